package plan

import (
	"fmt"
	"sync/atomic"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
)

// Memory counts the bytes that the plans of a session hold, and bounds them. It
// is safe for concurrent use.
type Memory struct {
	Limit int64 // on all devices together, and as much again on the host; 0: no limit

	inUse atomic.Int64 // on devices
	host  atomic.Int64 // of values that live on the host
}

// reserve counts memory of a device about to be taken, and refuses what passes
// the limit.
func (m *Memory) reserve(size int64) error {
	if now := m.inUse.Add(size); m.Limit > 0 && now > m.Limit {
		m.inUse.Add(-size)
		return fmt.Errorf("%d bytes more than the %d in use would pass the session's limit of %d: %w", size, now-size, m.Limit, driver.OutOfMemory)
	}
	return nil
}

func (m *Memory) release(size int64) { m.inUse.Add(-size) }

// reserveHost counts memory of values that live on the host. Where the user set
// no limit, the host's memory is one.
func (m *Memory) reserveHost(size int64) error {
	limit := m.Limit
	if limit <= 0 {
		limit = tensor.HostMemory() / 2
	}
	if now := m.host.Add(size); now > limit {
		m.host.Add(-size)
		return fmt.Errorf("%d bytes of strings and containers more than the %d in use would pass the limit of %d: %w", size, now-size, limit, driver.OutOfMemory)
	}
	return nil
}

func (m *Memory) releaseHost(size int64) { m.host.Add(-size) }

// InUse returns the bytes that constants, arenas and pools hold on devices now.
func (m *Memory) InUse() int64 { return m.inUse.Load() }
