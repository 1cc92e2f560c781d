//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package command

import "runtime"

// peakRSS returns what the Go runtime has from the system, in MB (10^6 bytes):
// the nearest figure where the system does not tell.
func peakRSS() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.Sys) / 1e6
}
