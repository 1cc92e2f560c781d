package plan

import (
	"math/bits"

	"example.com/midplane/adapter"
	"example.com/midplane/adapter/driver"
)

// block is memory for one value whose size is found while running. Values that
// share it count references; the last one to go gives it back to its pool.
type block struct {
	buffer *adapter.Buffer
	class  int
	refs   int
	run    int // in which it was handed out last
	pool   *pool
}

func (b *block) retain() *block {
	if b != nil {
		b.refs++
	}
	return b
}

func (b *block) release() {
	if b == nil {
		return
	}
	if b.refs--; b.refs == 0 {
		b.pool.takeBack(b)
	}
}

// pool keeps the blocks of one execution on one device. A block given back may
// be handed out again at once, although work that uses it is still enqueued: all
// work of a run on a device goes through one stream, in order.
type pool struct {
	execution *Execution
	device    int
	run       int          // counts runs
	idle      [64][]*block // by size class: blocks of 1<<class bytes
	lent      map[*block]bool
}

// alloc returns a block of at least size bytes with one reference.
func (p *pool) alloc(size int64) (*block, driver.Region, error) {
	class := bits.Len64(uint64(max(size, 64) - 1))
	var b *block
	if idle := p.idle[class]; len(idle) > 0 {
		b = idle[len(idle)-1]
		p.idle[class] = idle[:len(idle)-1]
	} else {
		var err error
		b = &block{class: class, pool: p}
		if b.buffer, err = p.execution.alloc(p.device, int64(1)<<min(class, 62)); err != nil {
			return nil, driver.Region{}, err
		}
	}
	b.refs, b.run = 1, p.run
	p.lent[b] = true
	return b, b.region(size), nil
}

func (b *block) region(size int64) driver.Region {
	r := b.buffer.All()
	r.Size = size
	return r
}

// takeBack makes a block idle.
func (p *pool) takeBack(b *block) {
	delete(p.lent, b)
	p.idle[b.class] = append(p.idle[b.class], b)
}

// sweep ends a run: blocks that a failure has left lent are idle again, and those
// that the run did not use go back to the device.
func (p *pool) sweep() {
	for b := range p.lent {
		b.refs = 0
		p.takeBack(b)
	}
	p.trim(func(b *block) bool { return b.run != p.run })
	p.run++
}

// empty gives all idle blocks back to the device.
func (p *pool) empty() { p.trim(func(*block) bool { return true }) }

// trim gives the idle blocks of which goes is true back to the device.
func (p *pool) trim(goes func(*block) bool) {
	for class, blocks := range p.idle {
		kept := blocks[:0]
		for _, b := range blocks {
			if goes(b) {
				p.execution.env.free(b.buffer)
			} else {
				kept = append(kept, b)
			}
		}
		clear(blocks[len(kept):])
		p.idle[class] = kept
	}
}
