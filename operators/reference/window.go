package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// window is how a filter or pool slides along one spatial axis: kernel taps that
// lie dilation elements apart, moved by stride elements from each output to the
// next, over an input with padding at both ends. All are counts of elements.
type window struct {
	in, out                  int // extents of input and output
	kernel, stride, dilation int
	before, after            int // padding
}

// span returns how many elements the window covers from its first tap to its
// last.
func (w window) span() int { return (w.kernel-1)*w.dilation + 1 }

// start returns where the window of output o begins, in coordinates of the input.
func (w window) start(o int) int { return o*w.stride - w.before }

// inside returns the range [lo, hi) of the taps of output o that fall on the
// input and not on padding.
func (w window) inside(o int) (lo, hi int) {
	start := w.start(o)
	if start < 0 {
		lo = (-start + w.dilation - 1) / w.dilation
	}
	if start < w.in {
		hi = min(w.kernel, (w.in-1-start)/w.dilation+1)
	}
	return min(lo, w.kernel), hi
}

// padded returns how many taps of output o fall on the input or its padding, and
// not beyond, where rounding the output extent up lets a last window reach.
func (w window) padded(o int) int {
	return min(w.kernel, (w.in+w.after-1-w.start(o))/w.dilation+1)
}

// maxSpatial bounds the spatial attributes, so that sums and products of them
// with extents do not overflow.
const maxSpatial = min(math.MaxInt32, math.MaxInt>>8)

// spatialInts returns a list attribute with one number for each of rank axes
// (two for "pads"), each def where the attribute is not set. It is an error if
// one is less than least.
func spatialInts(n *graph.Node, name string, count int, def, least int64) ([]int, error) {
	values := n.Ints(name)
	out := make([]int, count)
	if values == nil {
		for i := range out {
			out[i] = int(def)
		}
		return out, nil
	}
	if len(values) != count {
		return nil, fmt.Errorf("attribute %s has %d elements, but the input's spatial axes need %d", name, len(values), count)
	}
	for i, v := range values {
		if v < least || v > maxSpatial {
			return nil, fmt.Errorf("attribute %s is %v: element %d is outside [%d, %d]", name, values, i, least, maxSpatial)
		}
		out[i] = int(v)
	}
	return out, nil
}

// windows is one window for each spatial axis.
type windows []window

// windowsOf reads the windows of a convolution or pool over spatial axes of the
// extents in from the attributes strides, dilations, pads, auto_pad and
// ceil_mode.
func windowsOf(n *graph.Node, in, kernel []int) (windows, error) {
	ws, err := framesOf(n, len(in), kernel)
	if err != nil {
		return nil, err
	}
	for i, w := range ws {
		w.in = in[i]
		if ws[i], err = w.slide(n.Text("auto_pad", "NOTSET"), n.Bool("ceil_mode", false)); err != nil {
			return nil, fmt.Errorf("spatial axis %d: %w", i, err)
		}
	}
	return ws, nil
}

// framesOf reads windows without extents from the attributes strides, dilations
// and pads.
func framesOf(n *graph.Node, rank int, kernel []int) (windows, error) {
	if len(kernel) != rank {
		return nil, fmt.Errorf("the kernel %v has %d axes, but the input has %d spatial ones", kernel, len(kernel), rank)
	}
	strides, err := spatialInts(n, "strides", rank, 1, 1)
	if err != nil {
		return nil, err
	}
	dilations, err := spatialInts(n, "dilations", rank, 1, 1)
	if err != nil {
		return nil, err
	}
	pads, err := spatialInts(n, "pads", 2*rank, 0, 0)
	if err != nil {
		return nil, err
	}
	ws := make(windows, rank)
	for i := range ws {
		w := window{kernel: kernel[i], stride: strides[i], dilation: dilations[i], before: pads[i], after: pads[rank+i]}
		if w.kernel < 1 || w.kernel > maxSpatial || w.span() > maxSpatial {
			return nil, fmt.Errorf("the kernel %v with dilations %v is outside [1, %d] along spatial axis %d", kernel, dilations, maxSpatial, i)
		}
		ws[i] = w
	}
	return ws, nil
}

// slide completes a window with its output extent and, where they follow from
// auto_pad, its paddings.
func (w window) slide(autoPad string, ceil bool) (window, error) {
	switch autoPad {
	case "SAME_UPPER", "SAME_LOWER":
		w.out = (w.in + w.stride - 1) / w.stride
		w.before, w.after = splitPadding(max(0, (w.out-1)*w.stride+w.span()-w.in), autoPad)
		return w, nil
	case "VALID":
		w.before, w.after, ceil = 0, 0, false
	case "NOTSET", "":
	default:
		return w, fmt.Errorf("attribute auto_pad is %q, which is none of NOTSET, SAME_UPPER, SAME_LOWER and VALID", autoPad)
	}
	room := w.in + w.before + w.after - w.span()
	if ceil {
		room += w.stride - 1
	}
	if room < 0 {
		if w.in == 0 {
			return w, nil
		}
		return w, fmt.Errorf("a window of %d elements does not fit into an input of %d with padding %d and %d", w.span(), w.in, w.before, w.after)
	}
	w.out = room/w.stride + 1
	if ceil && (w.out-1)*w.stride >= w.in+w.before {
		w.out-- // the last window would start in the padding behind the input
	}
	return w, nil
}

// splitPadding halves a padding; an odd element goes behind for SAME_UPPER and
// in front otherwise.
func splitPadding(total int, autoPad string) (before, after int) {
	small := total / 2
	if autoPad == "SAME_UPPER" {
		return small, total - small
	}
	return total - small, small
}

func (ws windows) in() tensor.Shape     { return ws.extents(func(w window) int { return w.in }) }
func (ws windows) out() tensor.Shape    { return ws.extents(func(w window) int { return w.out }) }
func (ws windows) kernel() tensor.Shape { return ws.extents(func(w window) int { return w.kernel }) }

func (ws windows) extents(of func(window) int) tensor.Shape {
	s := make(tensor.Shape, len(ws))
	for i, w := range ws {
		s[i] = of(w)
	}
	return s
}

// tap is one element of a window that falls on the input: its row-major index
// in the kernel, and that of the input element in its plane.
type tap struct{ kernel, input int }

// taps returns the taps of the output at an index, in row-major order. It
// reuses buf.
func (ws windows) taps(at []int, buf []tap) []tap {
	buf = append(buf[:0], tap{})
	for axis, w := range ws {
		lo, hi := w.inside(at[axis])
		start := w.start(at[axis])
		n := len(buf)
		for i := range n {
			t := buf[i]
			for k := lo; k < hi; k++ {
				buf = append(buf, tap{t.kernel*w.kernel + k, t.input*w.in + start + k*w.dilation})
			}
		}
		buf = buf[:copy(buf, buf[n:])]
	}
	return buf
}

// split returns the batch, the channels and the spatial extents of an input of
// shape (N, C, D1, …, Dn), n >= least.
func split(s tensor.Shape, least int) (batch, channels int, spatial tensor.Shape, err error) {
	if len(s) < 2+least {
		return 0, 0, nil, fmt.Errorf("input X has the shape %v; (N, C, D1, …) with %d or more spatial axes is needed", s, least)
	}
	return s[0], s[1], s[2:], nil
}
