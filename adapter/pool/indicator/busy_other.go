//go:build !unix

package indicator

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
