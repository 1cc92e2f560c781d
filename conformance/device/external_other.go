//go:build !unix

package device

import "example.com/midplane/adapter/driver"

// closeExternal gives back the handle of exported memory, of which this system
// has no kind that midplane knows to close.
func closeExternal(driver.External) {}
