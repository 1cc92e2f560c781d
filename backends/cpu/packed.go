package cpu

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"weak"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/parallel"
	"example.com/midplane/backends/internal/host"
)

// packedConstants shares what kernels make of constants: the plans of a session
// have kernels of their own, but one set of weights. What no kernel uses any
// more is left to the garbage collector.
type packedConstants struct {
	memory *host.Memory // whose limit they count towards

	mu   sync.Mutex
	made map[packedKey]packedEntry
}

// packedEntry is a packed constant that lives as long as some kernel uses it.
type packedEntry struct {
	pointer any // weak.Pointer[T]
	gone    func() bool
	size    int64 // bytes reserved
}

// packedKey is a constant and how it was packed.
type packedKey struct {
	constant weak.Pointer[tensor.Tensor]
	form     any // a comparable value
}

// packedAs returns what pack makes of a constant in a form, made once. It takes
// size bytes.
func packedAs[T any](p *packedConstants, t *tensor.Tensor, form any, size int64, pack func() *T) (*T, error) {
	key := packedKey{weak.Make(t), form}
	p.mu.Lock()
	defer p.mu.Unlock()
	if w, ok := p.made[key].pointer.(weak.Pointer[T]); ok {
		if v := w.Value(); v != nil {
			return v, nil
		}
	}
	p.dropGone(key)
	if err := p.reserve(size); err != nil {
		return nil, fmt.Errorf("%d bytes of packed weights: %w", size, err)
	}
	v := pack()
	if p.made == nil {
		p.made = make(map[packedKey]packedEntry)
	}
	w := weak.Make(v)
	p.made[key] = packedEntry{w, func() bool { return w.Value() == nil }, size}
	runtime.AddCleanup(v, p.forget, key)
	return v, nil
}

// forget drops an entry whose value is gone, unless it was made anew.
func (p *packedConstants) forget(key packedKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropGone(key)
}

// dropGone is forget where p is locked.
func (p *packedConstants) dropGone(key packedKey) {
	if e, ok := p.made[key]; ok && e.gone() {
		delete(p.made, key)
		p.memory.Release(e.size)
	}
}

// reserve counts memory. Where there is none left, it looks for values that are
// gone first.
func (p *packedConstants) reserve(size int64) error {
	if p.memory.Reserve(size) == nil {
		return nil
	}
	runtime.GC()
	for key := range p.made {
		p.dropGone(key)
	}
	return p.memory.Reserve(size)
}

// inParts packs n parts of a constant on the device's threads.
func (d *Device) inParts(n int, pack func(part int)) {
	if err := parallel.Run(context.Background(), d.threads, n, parts(pack)); err != nil {
		panic(err) // of a part: nothing else ends the work
	}
}

// parts is a task of which piece i is part i.
type parts func(part int)

// Do implements parallel.Task.
func (pack parts) Do(_, piece int) { pack(piece) }
