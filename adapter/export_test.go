package adapter

import (
	"testing"
)

// EmptyRegistry runs a test with no driver registered.
func EmptyRegistry(t *testing.T) {
	registry.Lock()
	defer registry.Unlock()
	before, open := registry.drivers, registry.open
	registry.drivers, registry.open = nil, nil
	t.Cleanup(func() {
		registry.Lock()
		defer registry.Unlock()
		registry.drivers, registry.open = before, open
	})
}
