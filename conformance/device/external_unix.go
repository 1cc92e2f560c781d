//go:build unix

package device

import (
	"golang.org/x/sys/unix"

	"example.com/midplane/adapter/driver"
)

// closeExternal gives back the handle of exported memory, which is the caller's.
func closeExternal(e driver.External) {
	if e.Kind == driver.ExternalFD || e.Kind == driver.ExternalDMABuf {
		_ = unix.Close(int(e.Handle)) // nothing depends on it any more
	}
}
