package cpu

import (
	"example.com/midplane/operators/graph"
)

// window is how a filter or pool slides along one spatial axis: taps that lie
// dilation elements apart, moved by stride elements from each output to the
// next, over an input with padding at both ends. All are counts of elements.
type window struct {
	in, out                  int
	kernel, stride, dilation int
	before, after            int
}

// windows are those of three spatial axes; of fewer, the first are trivial.
type windows [3]window

// limit bounds the attributes of windows so that nothing overflows.
const limit = 1 << 30

// windowsOf reads the windows of a convolution or pool from the attributes
// strides, dilations, pads, auto_pad and ceil_mode. They are not ok where the
// attributes are wrong or a window does not fit; the reference then says why.
func windowsOf(n *graph.Node, in, kernel []int) (ws windows, ok bool) {
	rank := len(in)
	if rank < 1 || rank > len(ws) || len(kernel) != rank {
		return ws, false
	}
	strides, dilations, pads := n.Ints("strides"), n.Ints("dilations"), n.Ints("pads")
	if strides != nil && len(strides) != rank || dilations != nil && len(dilations) != rank || pads != nil && len(pads) != 2*rank {
		return ws, false
	}
	lead := len(ws) - rank
	for i := range lead {
		ws[i] = window{in: 1, out: 1, kernel: 1, stride: 1, dilation: 1}
	}
	for i := range rank {
		w := window{in: in[i], kernel: kernel[i], stride: 1, dilation: 1}
		if strides != nil {
			w.stride = int(strides[i])
		}
		if dilations != nil {
			w.dilation = int(dilations[i])
		}
		if pads != nil {
			w.before, w.after = int(pads[i]), int(pads[rank+i])
		}
		if min(w.kernel, w.stride, w.dilation, w.in) < 1 || min(w.before, w.after) < 0 ||
			max(w.kernel, w.stride, w.dilation, w.in, w.before, w.after) > limit || w.span() > limit {
			return ws, false
		}
		if !w.slide(n.Text("auto_pad", "NOTSET"), n.Bool("ceil_mode", false)) {
			return ws, false
		}
		ws[lead+i] = w
	}
	return ws, ws.modest()
}

// modest reports whether windows have no more taps, and with their padding see no
// more pixels, than it is wise to keep in lists and images: attributes can ask for
// more than there is memory.
func (ws *windows) modest() bool {
	taps, pixels := 1.0, 1.0
	for i := range ws {
		w := &ws[i]
		taps *= float64(w.kernel)
		pixels *= float64(w.out)*float64(w.stride) + float64(w.span())
	}
	return taps <= 1<<16 && pixels <= max(1<<22, 16*float64(volume(ws.in())))
}

// span returns how many elements the window covers from its first tap to its
// last.
func (w *window) span() int { return (w.kernel-1)*w.dilation + 1 }

// slide completes a window with its output extent and, where they follow from
// auto_pad, its paddings.
func (w *window) slide(autoPad string, ceil bool) bool {
	switch autoPad {
	case "SAME_UPPER", "SAME_LOWER":
		w.out = (w.in + w.stride - 1) / w.stride
		total := max(0, (w.out-1)*w.stride+w.span()-w.in)
		w.before, w.after = total/2, total-total/2
		if autoPad == "SAME_LOWER" {
			w.before, w.after = w.after, w.before
		}
		return true
	case "VALID":
		w.before, w.after, ceil = 0, 0, false
	case "NOTSET", "":
	default:
		return false
	}
	room := w.in + w.before + w.after - w.span()
	if room < 0 {
		return false
	}
	w.out = room/w.stride + 1
	if ceil && room%w.stride != 0 && w.out*w.stride < w.in+w.before {
		w.out++ // a last window that begins inside, and ends beyond the padding
	}
	return true
}

// whole reports whether one window covers the whole input and nothing else.
func (ws *windows) whole() bool {
	for i := range ws {
		if w := &ws[i]; w.in != w.kernel || w.out != 1 || w.before != 0 || w.after != 0 || w.dilation != 1 && w.kernel > 1 {
			return false
		}
	}
	return true
}

// each returns a number of each window.
func (ws *windows) each(of func(w *window) int) (v [3]int) {
	for i := range ws {
		v[i] = of(&ws[i])
	}
	return v
}

func (ws *windows) in() [3]int     { return ws.each(func(w *window) int { return w.in }) }
func (ws *windows) out() [3]int    { return ws.each(func(w *window) int { return w.out }) }
func (ws *windows) kernel() [3]int { return ws.each(func(w *window) int { return w.kernel }) }

// volume returns the product of three extents.
func volume(v [3]int) int { return v[0] * v[1] * v[2] }
