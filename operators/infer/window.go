package infer

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// window is how a filter or pool slides along one spatial axis. All are counts
// of elements; kernel is -1 while it is unknown.
type window struct {
	kernel, stride, dilation int
	before, after            int // padding
}

// span returns how many elements the window covers from its first tap to its
// last.
func (w window) span() int { return (w.kernel-1)*w.dilation + 1 }

// maxSpatial bounds the spatial attributes, so that sums and products of them
// with extents do not overflow.
const maxSpatial = min(math.MaxInt32, math.MaxInt>>8)

// spatialInts returns a list attribute with count numbers, each def where the
// attribute is not set. It is an error if one is less than least.
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

// windowsOf reads the windows over as many spatial axes as the kernel has from
// the attributes strides, dilations and pads.
func windowsOf(n *graph.Node, kernel tensor.Dims) ([]window, error) {
	rank := len(kernel)
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
	ws := make([]window, rank)
	for i := range ws {
		w := window{kernel: kernel[i].Size, stride: strides[i], dilation: dilations[i], before: pads[i], after: pads[rank+i]}
		if w.kernel == 0 || w.kernel > maxSpatial || w.span() > maxSpatial {
			return nil, fmt.Errorf("the kernel %v with dilations %v is outside [1, %d] along spatial axis %d", kernel, dilations, maxSpatial, i)
		}
		ws[i] = w
	}
	return ws, nil
}

// slid returns the extents of the output of windows that slide over spatial
// extents, by the attributes auto_pad and ceil_mode.
func slid(n *graph.Node, ws []window, spatial tensor.Dims) (tensor.Dims, error) {
	out := make(tensor.Dims, len(ws))
	for i, w := range ws {
		var err error
		if out[i], err = w.slide(spatial[i], n.Text("auto_pad", "NOTSET"), n.Bool("ceil_mode", false)); err != nil {
			return nil, fmt.Errorf("spatial axis %d: %w", i, err)
		}
	}
	return out, nil
}

func (w window) slide(in tensor.Dim, autoPad string, ceil bool) (tensor.Dim, error) {
	switch autoPad {
	case "SAME_UPPER", "SAME_LOWER":
		switch {
		case w.stride == 1:
			return in, nil
		case in.IsKnown():
			return tensor.Known((in.Size + w.stride - 1) / w.stride), nil
		}
		return tensor.Symbol(""), nil
	case "VALID":
		w.before, w.after, ceil = 0, 0, false
	case "NOTSET", "":
	default:
		return in, fmt.Errorf("attribute auto_pad is %q, which is none of NOTSET, SAME_UPPER, SAME_LOWER and VALID", autoPad)
	}
	padding := w.before + w.after
	switch {
	case w.kernel < 0:
		return tensor.Symbol(""), nil
	case !in.IsKnown() && w.stride == 1 && padding == w.span()-1:
		return in, nil
	case !in.IsKnown():
		return tensor.Symbol(""), nil
	}
	room := in.Size + padding - w.span()
	if ceil {
		room += w.stride - 1
	}
	if room < 0 {
		if in.Size == 0 {
			return tensor.Known(0), nil
		}
		return in, fmt.Errorf("a window of %d elements does not fit into an input of %d with padding %d and %d", w.span(), in.Size, w.before, w.after)
	}
	out := room/w.stride + 1
	if ceil && (out-1)*w.stride >= in.Size+w.before {
		out-- // the last window would start in the padding behind the input
	}
	return tensor.Known(out), nil
}

// split checks that input 0 is (N, C, D1, …, Dn), n >= least, and returns its
// extents, nil while the rank is unknown.
func split(c *Call, least int) (tensor.Dims, error) {
	x := c.Dims(0)
	if x.Ranked() && len(x) < 2+least {
		return nil, fmt.Errorf("input X has the shape %v; (N, C, D1, …) with %d or more spatial axes is needed", x, least)
	}
	return x, nil
}

// agree merges two Dims of one extent; what says whose they are.
func agree(what string, a, b tensor.Dim) (tensor.Dim, error) {
	d, err := unified(a, b)
	if err != nil {
		return d, fmt.Errorf("%s: %w", what, err)
	}
	return d, nil
}
