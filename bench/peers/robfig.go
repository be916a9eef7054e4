// robfig/cron v3, a scheduler without any persistence, on the work that the program is given. One measurement a
// process, one JSON line. Debian's golang-github-robfig-cron-dev puts it below /usr/share/gocode:
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build -o robfig robfig.go
//	robfig load N | burst N | sustained N SECONDS | next
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/robfig/cron"
)

var parser = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

type result map[string]interface{}

func rss() int64 {
	runtime.GC()
	text, _ := os.ReadFile("/proc/self/statm")
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Nanoseconds()) / 1e6
}

// Over 500 yearly expressions. Adding to a scheduler that stands still is the quicker of the two ways.
func load(c *cron.Cron, n int) result {
	before, begin := rss(), time.Now()
	for i := 0; i < n; i++ {
		k := i % 500
		c.AddFunc(fmt.Sprintf("%d %d %d 3 *", k%60, k%24, 1+k%28), func() {})
	}
	c.Start()
	c.Entries()
	took := time.Since(begin)
	return result{"ms": milliseconds(took), "bytes_per_action": float64(rss()-before) / float64(n)}
}

func burst(c *cron.Cron, n int) result {
	due := time.Now().Truncate(time.Second).Add(time.Duration(3+n/200000) * time.Second).UTC()
	late := make([]float64, n)
	var count int64
	expression := fmt.Sprintf("%d %d %d * * *", due.Second(), due.Minute(), due.Hour())
	for i := 0; i < n; i++ {
		c.AddFunc(expression, func() { late[atomic.AddInt64(&count, 1)-1] = milliseconds(time.Since(due)) })
	}
	c.Start()
	c.Entries()
	runtime.GC()
	if time.Until(due) < 200*time.Millisecond {
		return result{"error": "loading ran past the due instant"}
	}
	for atomic.LoadInt64(&count) < int64(n) && time.Since(due) < time.Minute {
		time.Sleep(10 * time.Millisecond)
	}
	sort.Float64s(late)
	return result{"ran": count, "first_ms": late[0], "last_ms": late[n-1]}
}

func sustained(c *cron.Cron, n, seconds int) result {
	var lock sync.Mutex
	var late []float64
	begin := time.Now().Truncate(time.Second).Add(3 * time.Second)
	end := begin.Add(time.Duration(seconds) * time.Second)
	for i := 0; i < n; i++ {
		c.AddFunc("* * * * * *", func() {
			now := time.Now()
			if now.Before(begin) || !now.Before(end) {
				return
			}
			lock.Lock()
			late = append(late, float64(now.Nanosecond())/1e3)
			lock.Unlock()
		})
	}
	c.Start()
	time.Sleep(time.Until(end.Add(50 * time.Millisecond)))
	lock.Lock()
	sort.Float64s(late)
	m := len(late)
	return result{"expected": n * seconds, "ran": m, "p50_us": late[m/2], "p99_us": late[m*99/100],
		"max_us": late[m-1]}
}

// The mean over the expressions of next_fire.c in UTC, each fire from the one before.
func next() result {
	sum := 0.0
	expressions := []string{"* * * * *", "*/20 * * * * *", "0 9 * * 1-5", "30 2 29 2 *", "0 0 13 * 5", "*/7 8-18 * * *"}
	for _, expression := range expressions {
		schedule, err := parser.Parse(expression)
		if err != nil {
			panic(err)
		}
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		now, count, begin := start, 0, time.Now()
		for time.Since(begin) < 200*time.Millisecond {
			for i := 0; i < 100; i++ {
				now = schedule.Next(now)
				if now.IsZero() || now.Year() >= 2090 {
					now = start
				}
			}
			count += 100
		}
		sum += float64(time.Since(begin).Nanoseconds()) / float64(count)
	}
	return result{"ns": sum / float64(len(expressions))}
}

func argument(i int) int {
	n, err := strconv.Atoi(os.Args[i])
	if err != nil {
		panic(err)
	}
	return n
}

func main() {
	c := cron.New(cron.WithParser(parser), cron.WithLocation(time.UTC))
	var out result
	switch os.Args[1] {
	case "load":
		out = load(c, argument(2))
	case "burst":
		out = burst(c, argument(2))
	case "sustained":
		out = sustained(c, argument(2), argument(3))
	case "next":
		out = next()
	}
	text, _ := json.Marshal(out)
	fmt.Println(string(text))
}
