//go:build race

package device_test

// raced says that the race detector watches, which would catch races that the
// suite is to catch.
const raced = true
