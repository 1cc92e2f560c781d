package plan

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/midplane/adapter/driver"
	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// poolOf returns a pool of a device's memory, of which there is a limit.
func poolOf(t *testing.T, device string, limit int64) (*pool, *Memory) {
	t.Helper()
	x := input("x", 1, 1)
	env := environment(t, graphOf([]*graph.Value{x}, func(b *graph.Builder) []*graph.Value { return []*graph.Value{b.Op("Relu", []*graph.Value{x})} }), device)
	env.Memory.Limit = limit
	e, err := NewExecution(env)
	require.NoError(t, err)
	e.ctx = t.Context()
	t.Cleanup(func() {
		e.pools[0].sweep()
		require.NoError(t, e.Close())
		require.Zero(t, env.Memory.InUse())
	})
	return e.pools[0], env.Memory
}

// Blocks are as large as the next power of two, and are handed out again when
// the last reference is gone.
func TestPoolReusesBlocks(t *testing.T) {
	for _, device := range []string{"cpu", "emu"} {
		p, memory := poolOf(t, device, 0)
		a, region, err := p.alloc(1000)
		require.NoError(t, err)
		assert.EqualValues(t, 1000, region.Size)
		assert.EqualValues(t, 1024, a.buffer.Size())
		assert.EqualValues(t, 1024, memory.InUse())
		b, _, err := p.alloc(1024)
		require.NoError(t, err)
		assert.NotSame(t, a, b)
		require.Same(t, a, a.retain())
		a.release()
		c, _, err := p.alloc(600)
		require.NoError(t, err)
		assert.NotSame(t, a, c, "there is a reference left")
		a.release()
		d, region, err := p.alloc(513)
		require.NoError(t, err)
		assert.Same(t, a, d)
		assert.EqualValues(t, 513, region.Size)
		e, _, err := p.alloc(0)
		require.NoError(t, err)
		assert.EqualValues(t, 64, e.buffer.Size(), "the smallest block")
		assert.EqualValues(t, 3*1024+64, memory.InUse())
		p.sweep()
	}
	var none *block
	assert.Nil(t, none.retain())
	none.release()
}

// At the end of a run all blocks are idle again, and those that it did not use
// are gone.
func TestPoolSweeps(t *testing.T) {
	p, memory := poolOf(t, "cpu", 0)
	large, _, err := p.alloc(4096)
	require.NoError(t, err)
	large.retain() // lost by a run that fails
	_, _, err = p.alloc(100)
	require.NoError(t, err)
	p.sweep()
	assert.Empty(t, p.lent)
	assert.EqualValues(t, 4096+128, memory.InUse())
	small, _, err := p.alloc(100)
	require.NoError(t, err)
	small.release()
	p.sweep()
	assert.EqualValues(t, 128, memory.InUse(), "what the run did not use")
	p.sweep()
	assert.Zero(t, memory.InUse())
}

// Where there is no memory left, idle blocks go first.
func TestPoolWithinALimit(t *testing.T) {
	p, memory := poolOf(t, "cpu", 5000)
	a, _, err := p.alloc(2048)
	require.NoError(t, err)
	b, _, err := p.alloc(2048)
	require.NoError(t, err)
	_, _, err = p.alloc(4096)
	require.ErrorIs(t, err, driver.OutOfMemory)
	assert.ErrorContains(t, err, "4096 bytes more than the 4096 in use would pass the session's limit of 5000")
	a.release()
	b.release()
	_, _, err = p.alloc(4096)
	require.NoError(t, err)
	assert.EqualValues(t, 4096, memory.InUse())
	_, _, err = p.alloc(math.MaxInt64)
	require.ErrorIs(t, err, driver.OutOfMemory)
}

func TestMemory(t *testing.T) {
	m := &Memory{Limit: 100}
	require.NoError(t, m.reserve(60))
	require.ErrorIs(t, m.reserve(41), driver.OutOfMemory)
	require.NoError(t, m.reserve(40))
	assert.EqualValues(t, 100, m.InUse())
	m.release(100)
	assert.Zero(t, m.InUse())
	require.NoError(t, m.reserveHost(100), "as much again on the host")
	err := m.reserveHost(1)
	require.ErrorIs(t, err, driver.OutOfMemory)
	assert.ErrorContains(t, err, "1 bytes of strings and containers more than the 100 in use")
	m.releaseHost(100)
	require.NoError(t, m.reserveHost(1))
	assert.Zero(t, m.InUse())

	open := &Memory{}
	require.NoError(t, open.reserve(1<<40), "no limit")
	require.ErrorIs(t, open.reserveHost(tensor.HostMemory()), driver.OutOfMemory, "but the host's own")
}

// What a value takes on the host grows with what is in it.
func TestHostBytes(t *testing.T) {
	x := tensor.Zeros(tensor.Float32, tensor.Shape{10})
	assert.EqualValues(t, 64+40, hostBytes(x))
	assert.EqualValues(t, 64+2*16+5, hostBytes(tensor.Of([]string{"abc", "de"})))
	assert.EqualValues(t, 64+2*(16+104), hostBytes(&tensor.Sequence{Items: []tensor.Value{x, x}}))
	assert.EqualValues(t, 64+104, hostBytes(&tensor.Optional{Item: x}))
	assert.EqualValues(t, 64, hostBytes(&tensor.Optional{}))
	assert.EqualValues(t, 64+8+64+4, hostBytes(&tensor.Map{Keys: tensor.Of([]int64{1}), Values: tensor.Of([]float32{1})}))
}
