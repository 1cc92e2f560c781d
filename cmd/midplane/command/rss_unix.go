//go:build darwin || freebsd || netbsd || openbsd

package command

import (
	"runtime"
	"syscall"
)

// peakRSS returns the most memory that this process had resident, in MB
// (10^6 bytes).
func peakRSS() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	bytes := float64(u.Maxrss) * 1024
	if runtime.GOOS == "darwin" { // counts bytes, the others KiB
		bytes = float64(u.Maxrss)
	}
	return bytes / 1e6
}
