package command

import (
	"bytes"
	"os"
	"strconv"
)

// peakRSS returns the most memory that this process had resident, in MB
// (10^6 bytes). The system's usage of resources will not do: it counts what the
// parent had resident when it started the process.
func peakRSS() float64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kib, _ := strconv.ParseFloat(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 64)
			return kib * 1024 / 1e6
		}
	}
	return 0
}
