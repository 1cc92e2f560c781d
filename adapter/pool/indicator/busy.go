package indicator

import "time"

// enough is the share of a processor below which times say little.
const enough = 0.75

// processor spins for a moment and returns what share of a processor this process
// got meanwhile, 1 where the system does not say.
func processor() float64 {
	const long = 30 * time.Millisecond
	start, before := time.Now(), cpuTime()
	for time.Since(start) < long {
	}
	used := cpuTime() - before
	if used <= 0 {
		return 1
	}
	return used.Seconds() / time.Since(start).Seconds()
}
