//go:build !linux

package pages

// enlarge does nothing: there is no way to ask for large pages.
func enlarge([]byte) {}
