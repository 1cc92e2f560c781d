//go:build !linux

package peak

import "time"

// threadTime stands for how long the calling thread has run: the system does not say.
func threadTime() time.Duration { return sinceStart() }
