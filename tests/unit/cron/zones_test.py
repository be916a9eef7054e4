"""Every zone of the system, 1900 to 2100, against Python's zoneinfo: zones_test.py ZONE_DUMP.

Compared are offset and abbreviation on both sides of every change that either of the two knows (the file's own list,
and those that zone_dump prints), and once a week in between: no pair of changes can hide there, as those that are not
in the list come from a yearly rule.
"""
import bisect
import datetime
import hashlib
import pathlib
import struct
import subprocess
import sys
import zoneinfo

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
FROM = int(datetime.datetime(1900, 1, 1, tzinfo=UTC).timestamp())
TO = int(datetime.datetime(2101, 1, 1, tzinfo=UTC).timestamp())
WEEK = 7 * 86400
REFUSED = ["utc", "posix/UTC", "right/UTC", "posixrules", "localtime", "zone.tab", "tzdata.zi", "../zoneinfo/UTC",
           "/usr/share/zoneinfo/UTC", "Europe", "Europe/", "europe/moscow", "Europe//Moscow", "+03:00", "-03", "Mars/Base",
           "America/New York", "UTC\x01", ".", ""]


def listed_changes(path):
    """The change times of a TZif file's last block, read here once more."""
    data = path.read_bytes()
    counts = struct.unpack(">6l", data[20:44])
    size, at = 4, 44
    if data[4:5] >= b"2":
        isut, isstd, leap, times, types, chars = counts
        at += times * 5 + types * 6 + chars + leap * 8 + isstd + isut
        counts = struct.unpack(">6l", data[at + 20:at + 44])
        size, at = 8, at + 44
    code = {4: "l", 8: "q"}[size]
    return struct.unpack(f">{counts[3]}{code}", data[at:at + counts[3] * size])


def read_dump(program, names):
    text = subprocess.run([program, str(FROM), str(TO)], input="".join(n + "\n" for n in names), text=True,
                          stdout=subprocess.PIPE, check=True).stdout
    zones, current = {}, None
    for line in text.splitlines():
        parts = line.split("\t", 1)
        if len(parts) == 1:
            current = zones[line] = []
        elif parts[1].startswith("!"):
            zones[parts[0]] = None
        else:
            start, offset, _, name = line.split("\t")
            current.append((int(start), int(offset), name))
    return zones


def compare(name, spans, listed):
    zone = zoneinfo.ZoneInfo(name)
    starts = [s[0] for s in spans]
    points = set(range(FROM, TO, WEEK))
    for t in starts + list(listed):
        points.update(p for p in (t - 1, t) if FROM <= p < TO)
    for t in sorted(points):
        at = (EPOCH + datetime.timedelta(seconds=t)).astimezone(zone)
        expected = (int(at.utcoffset().total_seconds()), at.tzname()[:7])
        found = spans[bisect.bisect_right(starts, t) - 1][1:]
        if expected != found:
            return f"{name} at {t}: {found}, zoneinfo has {expected}"
    return None


def main():
    names = sorted(zoneinfo.available_timezones() - {"localtime"})  # Python lists a link of the system
    directory = next(pathlib.Path(p) for p in zoneinfo.TZPATH if (pathlib.Path(p) / "UTC").exists())
    zones = read_dump(sys.argv[1], names)
    problems, seen, changes = [], {}, 0
    for name in names:
        if zones.get(name) is None:
            problems.append(f"{name}: refused")
            continue
        digest = hashlib.sha256((directory / name).read_bytes()).digest()
        if digest in seen:  # the same file under another name
            if zones[name] != zones[seen[digest]]:
                problems.append(f"{name}: not as {seen[digest]}")
            continue
        seen[digest] = name
        changes += len(zones[name]) - 1
        problem = compare(name, zones[name], listed_changes(directory / name))
        if problem:
            problems.append(problem)
    for name, spans in read_dump(sys.argv[1], [n for n in REFUSED if n]).items():
        if spans is not None:
            problems.append(f"{name}: taken for a zone")
    print(f"{len(names)} zones, {len(seen)} of them different, {changes} changes compared, {len(problems)} differ")
    print("\n".join(problems[:20]))
    return 1 if problems or len(names) < 400 else 0


sys.exit(main())
