package adapter

import (
	"testing"
)

// EmptyRegistry runs a test with no driver registered.
func EmptyRegistry(t *testing.T) {
	registry.Lock()
	defer registry.Unlock()
	before := registry.drivers
	registry.drivers = nil
	t.Cleanup(func() {
		registry.Lock()
		defer registry.Unlock()
		registry.drivers = before
	})
}
