package cpu

import (
	"context"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/backends/cpu/internal/vector"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// normalization holds BatchNormalization, InstanceNormalization,
// GroupNormalization, LayerNormalization, RMSNormalization.
var normalization = family{
	{op: "BatchNormalization", kernel: "normalization", by: byType{tensor.Float32: batchNormalization}, accept: inference},
	{op: "InstanceNormalization", kernel: "normalization", by: byType{tensor.Float32: groupNormalization}},
	{op: "GroupNormalization", kernel: "normalization", by: byType{tensor.Float32: groupNormalization}},
	{op: "LayerNormalization", kernel: "normalization", by: byType{tensor.Float32: layerNormalization}, accept: floatStash},
	{op: "RMSNormalization", kernel: "normalization", by: byType{tensor.Float32: rmsNormalization}},
}

// inference takes a batch normalization whose statistics are given.
func inference(n *graph.Node) operators.Verdict {
	if n.Bool("training_mode", false) {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "training_mode"}
	}
	return native
}

func floatStash(n *graph.Node) operators.Verdict {
	if d := tensor.DType(n.Int("stash_type", int64(tensor.Float32))); d != tensor.Float32 {
		return operators.Verdict{Reason: operators.WrongAttribute, Detail: "stash_type " + d.String()}
	}
	return native
}

// channelwise scales and shifts every channel, with given statistics or, in
// groups of channels, with those of the group itself.
type channelwise struct {
	device                 *Device
	shape                  tensor.Shape
	batch, channels, inner int
	perGroup               int // channels of a group; 0: the statistics are inputs 3 and 4
	epsilon                float64
	pieces, size           int // of channels, of groups, or, where a channel has one element, of the batch
	tasks                  tasks[channelwiseTask]
}

func batchNormalization(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := newChannelwise(d, n, c)
		if w == nil || !perChannel(c, w.channels, 1, 2, 3, 4) {
			return nil, nil
		}
		if w.inner == 1 {
			w.pieces, w.size = share(w.batch, w.channels, d.threads)
		} else {
			w.pieces, w.size = share(w.batch*w.channels, w.inner, d.threads)
		}
		return w, nil
	}, nil
}

// groupNormalization takes InstanceNormalization as one group for each channel.
func groupNormalization(d *Device, n *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		w := newChannelwise(d, n, c)
		if w == nil || !perChannel(c, w.channels, 1, 2) {
			return nil, nil
		}
		w.perGroup = 1
		if n.Op == "GroupNormalization" {
			groups := int(n.Int("num_groups", 0))
			if groups < 1 || w.channels%groups != 0 {
				return nil, nil
			}
			w.perGroup = w.channels / groups
		}
		w.pieces, w.size = share(w.batch*w.channels/w.perGroup, w.inner*w.perGroup*3, d.threads)
		return w, nil
	}, nil
}

// newChannelwise returns nil for what is no (N, C, …), or empty.
func newChannelwise(d *Device, n *graph.Node, c *operators.Call) *channelwise {
	s := c.Inputs[0].Shape
	if len(s) < 2 || s.Size() == 0 {
		return nil
	}
	return &channelwise{device: d, shape: s.Clone(), batch: s[0], channels: s[1], inner: s[2:].Size(), epsilon: float64(n.Float("epsilon", 1e-5))}
}

// perChannel reports whether inputs have one number for each channel.
func perChannel(c *operators.Call, channels int, inputs ...int) bool {
	for _, i := range inputs {
		if !has(c, i) || !c.Inputs[i].Shape.Equal(tensor.Shape{channels}) || c.Inputs[i].DType != tensor.Float32 {
			return false
		}
	}
	return true
}

func (w *channelwise) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	var err error
	if t.a, err = input[float32](c, 0); err != nil {
		return err
	}
	if t.scale, err = input[float32](c, 1); err != nil {
		return err
	}
	if t.bias, err = input[float32](c, 2); err != nil {
		return err
	}
	if w.perGroup == 0 {
		room, err := w.known(c, t)
		if err != nil {
			return err
		}
		defer w.device.scratch.give(room)
	}
	if t.dst, err = output[float32](c, 0, tensor.Float32, w.shape); err != nil {
		return err
	}
	return w.device.divide(ctx, w.pieces, t)
}

// known puts given statistics into scale and bias of each channel, in scratch that
// it returns.
func (w *channelwise) known(c *operators.Call, t *channelwiseTask) ([]byte, error) {
	mean, err := input[float32](c, 3)
	if err != nil {
		return nil, err
	}
	variance, err := input[float32](c, 4)
	if err != nil {
		return nil, err
	}
	n := w.channels
	room, err := w.device.scratch.take(8 * n)
	if err != nil {
		return nil, err
	}
	both := floats(room, 2*n)
	for i := range n {
		both[i], both[n+i] = w.affine(t.scale[i], t.bias[i], float64(mean[i]), float64(variance[i]))
	}
	t.scale, t.bias = both[:n], both[n:]
	return room, nil
}

// affine returns factor and term of the elements that have such statistics.
func (w *channelwise) affine(scale, bias float32, mean, variance float64) (factor, term float32) {
	f := float64(scale) / math.Sqrt(variance+w.epsilon)
	return float32(f), float32(float64(bias) - mean*f)
}

// channelwiseTask is one run of a channelwise.
type channelwiseTask struct {
	w           *channelwise
	dst, a      []float32
	scale, bias []float32
}

// Do implements parallel.Task.
func (t *channelwiseTask) Do(_, piece int) {
	w, first := t.w, piece*t.w.size
	switch {
	case w.perGroup > 0:
		for g := first; g < min(first+w.size, w.batch*w.channels/w.perGroup); g++ {
			t.group(g)
		}
	case w.inner == 1:
		for i := first; i < min(first+w.size, w.batch); i++ {
			at := i * w.channels
			vector.Normalize(t.dst[at:][:w.channels], t.a[at:][:w.channels], t.scale, t.bias, 0, 1)
		}
	default:
		for i := first; i < min(first+w.size, w.batch*w.channels); i++ {
			k := i % w.channels
			vector.Affine(t.dst[i*w.inner:][:w.inner], t.a[i*w.inner:][:w.inner], t.scale[k], t.bias[k])
		}
	}
}

// group normalizes a group of channels by statistics of its own.
func (t *channelwiseTask) group(g int) {
	w := t.w
	mean, variance := moments(t.a[g*w.perGroup*w.inner:][:w.perGroup*w.inner])
	for i := g * w.perGroup; i < (g+1)*w.perGroup; i++ {
		k := i % w.channels
		factor, term := w.affine(t.scale[k], t.bias[k], mean, variance)
		vector.Affine(t.dst[i*w.inner:][:w.inner], t.a[i*w.inner:][:w.inner], factor, term)
	}
}

// moments returns the mean and the population variance of a.
func moments(a []float32) (mean, variance float64) {
	n := float64(len(a))
	m := float64(vector.Sum(a)) / n
	return m, float64(vector.SumSquares(a, float32(m))) / n
}

// rowwise normalizes rows of the axes from attribute axis on.
type rowwise struct {
	device       *Device
	shape        tensor.Shape
	reduced      tensor.Shape // the shape with 1 for the axes normalized
	outer, inner int
	epsilon      float64
	centred      bool // the mean is subtracted
	node         *graph.Node
	pieces, size int
	tasks        tasks[rowwiseTask]
}

func layerNormalization(d *Device, n *graph.Node) (planner, error) { return planRows(d, n, true), nil }

func rmsNormalization(d *Device, n *graph.Node) (planner, error) { return planRows(d, n, false), nil }

func planRows(d *Device, n *graph.Node, centred bool) planner {
	return func(c *operators.Call) (work, error) {
		s := c.Inputs[0].Shape
		axis, ok := axisIn(n.Int("axis", -1), len(s))
		if !ok || s.Size() == 0 {
			return nil, nil
		}
		w := &rowwise{device: d, shape: s.Clone(), reduced: s.Clone(), outer: s[:axis].Size(), inner: s[axis:].Size(), centred: centred, node: n}
		w.epsilon = float64(n.Float("epsilon", 1e-5))
		for i := axis; i < len(s); i++ {
			w.reduced[i] = 1
		}
		for i := 1; i < len(c.Inputs); i++ {
			if has(c, i) && !c.Inputs[i].Shape.Equal(s[axis:]) {
				return nil, nil
			}
		}
		w.pieces, w.size = share(w.outer, w.inner*3, d.threads)
		return w, nil
	}
}

func (w *rowwise) run(ctx context.Context, c *operators.Call) error {
	t := w.tasks.get()
	defer w.tasks.put(t)
	t.w = w
	var err error
	if t.a, err = input[float32](c, 0); err != nil {
		return err
	}
	if t.scale, err = input[float32](c, 1); err != nil {
		return err
	}
	if has(c, 2) {
		if t.bias, err = input[float32](c, 2); err != nil {
			return err
		}
	}
	if t.dst, err = output[float32](c, 0, tensor.Float32, w.shape); err != nil {
		return err
	}
	for i, to := range []*[]float32{1: &t.means, 2: &t.inverses} {
		if to == nil || w.node.Output(i) == nil {
			continue
		}
		if *to, err = output[float32](c, i, tensor.Float32, w.reduced); err != nil {
			return err
		}
	}
	return w.device.divide(ctx, w.pieces, t)
}

// rowwiseTask is one run of a rowwise.
type rowwiseTask struct {
	w                   *rowwise
	dst, a, scale, bias []float32
	means, inverses     []float32 // outputs of their own, or nil
}

// Do implements parallel.Task.
func (t *rowwiseTask) Do(_, piece int) {
	w := t.w
	for r := piece * w.size; r < min((piece+1)*w.size, w.outer); r++ {
		a := t.a[r*w.inner:][:w.inner]
		var mean, variance float64
		if w.centred {
			mean, variance = moments(a)
		} else {
			variance = float64(vector.SumSquares(a, 0)) / float64(w.inner)
		}
		inverse := 1 / math.Sqrt(variance+w.epsilon)
		vector.Normalize(t.dst[r*w.inner:][:w.inner], a, t.scale, t.bias, float32(mean), float32(inverse))
		if t.means != nil {
			t.means[r] = float32(mean)
		}
		if t.inverses != nil {
			t.inverses[r] = float32(inverse)
		}
	}
}
