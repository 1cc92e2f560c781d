package cpu

import (
	"runtime"
	"sync"
	"weak"

	"example.com/midplane/adapter/tensor"
)

// packedConstants shares what kernels make of constants: the plans of a session
// have kernels of their own, but one set of weights. What no kernel uses any
// more is left to the garbage collector.
type packedConstants struct {
	mu   sync.Mutex
	made map[packedKey]packedEntry
}

// packedEntry is a packed constant that lives as long as some kernel uses it.
type packedEntry struct {
	pointer any // weak.Pointer[T]
	gone    func() bool
}

// packedKey is a constant and how it was packed.
type packedKey struct {
	constant weak.Pointer[tensor.Tensor]
	form     any // a comparable value
}

// packedAs returns what pack makes of a constant in a form, made once.
func packedAs[T any](p *packedConstants, t *tensor.Tensor, form any, pack func() (*T, error)) (*T, error) {
	key := packedKey{weak.Make(t), form}
	p.mu.Lock()
	defer p.mu.Unlock()
	if w, ok := p.made[key].pointer.(weak.Pointer[T]); ok {
		if v := w.Value(); v != nil {
			return v, nil
		}
	}
	v, err := pack()
	if err != nil {
		return nil, err
	}
	if p.made == nil {
		p.made = make(map[packedKey]packedEntry)
	}
	w := weak.Make(v)
	p.made[key] = packedEntry{w, func() bool { return w.Value() == nil }}
	runtime.AddCleanup(v, p.forget, key)
	return v, nil
}

// forget drops an entry whose value is gone, unless it was made anew.
func (p *packedConstants) forget(key packedKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.made[key]; ok && e.gone() {
		delete(p.made, key)
	}
}
