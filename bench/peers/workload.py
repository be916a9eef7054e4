"""What peers are given: the expressions of next_fire.c, and 200 distinct expressions of five fields."""

NEXT = ['* * * * *', '*/20 * * * * *', '0 9 * * 1-5', '30 2 29 2 *', '0 0 13 * 5', '*/7 8-18 * * *']


def exprs200():
    """Hourly, daily, on weekdays, monthly, yearly, every few minutes."""
    expressions = [f'{i} * * * *' for i in range(60)]
    expressions += [f'{i * 7 % 60} {i % 24} * * *' for i in range(48)]
    expressions += [f'{i * 3 % 60} {i % 24} * * 1-5' for i in range(40)]
    expressions += [f'{i * 11 % 60} 3 {i + 1} * *' for i in range(28)]
    expressions += [f'0 4 1 {i + 1} *' for i in range(12)]
    expressions += [f'*/{i} 8-18 * * *' for i in (2, 3, 4, 5, 6, 7, 10, 12, 15, 20, 30, 45)]
    return expressions
