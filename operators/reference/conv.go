package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
)

// conv holds Conv, ConvTranspose, DeformConv, Col2Im, CausalConvWithState.
var conv = family{
	"Conv":          convForward,
	"ConvTranspose": convTranspose,
	"DeformConv":    deformConv,
	"Col2Im":        col2im,

	"CausalConvWithState": causalConv,
}

// convWindows checks the weights (M, C/group, k1, …) of a convolution against its
// input and returns the windows.
func convWindows(c *Call, x, w tensor.Shape) (ws windows, groups int, err error) {
	_, channels, spatial, err := split(x, 1)
	if err != nil {
		return nil, 0, err
	}
	groups = int(c.Node.Int("group", 1))
	switch {
	case len(w) != len(x):
		return nil, 0, fmt.Errorf("weights of shape %v do not fit an input of shape %v: the ranks differ", w, x)
	case groups < 1 || w[0]%groups != 0:
		return nil, 0, fmt.Errorf("%d filters cannot be divided into %d groups", w[0], groups)
	case w[1]*groups != channels:
		return nil, 0, fmt.Errorf("weights of shape %v in %d groups need %d input channels, got %d", w, groups, w[1]*groups, channels)
	}
	if err := kernelShape(c, w[2:]); err != nil {
		return nil, 0, err
	}
	ws, err = windowsOf(c.Node, spatial, w[2:])
	return ws, groups, err
}

// kernelShape checks the attribute kernel_shape, where set, against the weights.
func kernelShape(c *Call, kernel tensor.Shape) error {
	if !c.Node.Has("kernel_shape") {
		return nil
	}
	declared, err := spatialInts(c.Node, "kernel_shape", len(kernel), 1, 1)
	if err != nil {
		return err
	}
	if !kernel.Equal(declared) {
		return fmt.Errorf("attribute kernel_shape is %v, but the weights have a kernel of %v", declared, kernel)
	}
	return nil
}

func convForward(c *Call) ([]tensor.Value, error) {
	x, w := c.Tensor(0), c.Tensor(1)
	ws, groups, err := convWindows(c, x.Shape(), w.Shape())
	if err != nil {
		return nil, err
	}
	shape := append(tensor.Shape{x.Shape()[0], w.Shape()[0]}, ws.out()...)
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	y := convolve(c, x.Float64s(), w.Float64s(), x.Shape()[0], w.Shape()[0], groups, ws)
	if err := addBias(y, shape, c.Tensor(2)); err != nil {
		return nil, err
	}
	return one(tensor.FromFloat64s(x.DType(), shape, y))
}

// convolve correlates x (batch, C, …) with filters w (filters, C/groups, …). The
// result is (batch, filters, …) in row-major order. Each patch of the input that
// lies under a window is gathered once and multiplied with every filter.
func convolve(c *Call, x, w []float64, batch, filters, groups int, ws windows) []float64 {
	plane, outPlane, kernel := ws.in().Size(), ws.out().Size(), ws.kernel().Size()
	y := make([]float64, batch*filters*outPlane)
	if len(y) == 0 {
		return y
	}
	patch := make([]float64, len(w)/filters)
	depth := len(patch) / kernel // input channels that a filter sees
	perGroup := filters / groups
	var taps []tap
	position := 0
	walk(ws.out(), func(at []int) {
		taps = ws.taps(at, taps)
		for image := range batch * groups {
			c.checkpoint()
			clear(patch)
			for k := range depth {
				from, to := x[(image*depth+k)*plane:], patch[k*kernel:]
				for _, t := range taps {
					to[t.kernel] = from[t.input]
				}
			}
			first := image % groups * perGroup
			for f := range perGroup {
				weights := w[(first+f)*len(patch):]
				y[(image*perGroup+f)*outPlane+position] = dot(weights[:len(patch)], patch)
			}
		}
		position++
	})
	return y
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// addBias adds one number per channel to y of shape (N, C, …). A nil bias is 0.
func addBias(y []float64, shape tensor.Shape, bias *tensor.Tensor) error {
	if bias == nil {
		return nil
	}
	if !bias.Shape().Equal(tensor.Shape{shape[1]}) {
		return fmt.Errorf("the bias has the shape %v, but there are %d output channels", bias.Shape(), shape[1])
	}
	plane := shape[2:].Size()
	for i, b := range bias.Float64s() {
		for n := range shape[0] {
			row := y[(n*shape[1]+i)*plane:][:plane]
			for k := range row {
				row[k] += b
			}
		}
	}
	return nil
}

func convTranspose(c *Call) ([]tensor.Value, error) {
	x, w := c.Tensor(0), c.Tensor(1)
	batch, channels, spatial, err := split(x.Shape(), 1)
	if err != nil {
		return nil, err
	}
	groups := int(c.Node.Int("group", 1))
	switch ws := w.Shape(); {
	case len(ws) != x.Rank():
		return nil, fmt.Errorf("weights of shape %v do not fit an input of shape %v: the ranks differ", ws, x.Shape())
	case ws[0] != channels:
		return nil, fmt.Errorf("weights of shape %v need %d input channels, got %d", ws, ws[0], channels)
	case groups < 1 || channels%groups != 0:
		return nil, fmt.Errorf("%d input channels cannot be divided into %d groups", channels, groups)
	}
	kernel := w.Shape()[2:]
	if err := kernelShape(c, kernel); err != nil {
		return nil, err
	}
	ws, err := transposedWindows(c, spatial, kernel)
	if err != nil {
		return nil, err
	}
	filters := w.Shape()[1] * groups
	shape := append(tensor.Shape{batch, filters}, ws.in()...)
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	y := make([]float64, shape.Size())
	scatter(c, y, x.Float64s(), w.Float64s(), batch, channels, groups, ws)
	if err := addBias(y, shape, c.Tensor(2)); err != nil {
		return nil, err
	}
	return one(tensor.FromFloat64s(x.DType(), shape, y))
}

// transposedWindows returns the windows of the convolution that a transposed one
// is the gradient of: their outputs are the transposed convolution's input, their
// inputs its output.
func transposedWindows(c *Call, spatial, kernel tensor.Shape) (windows, error) {
	n, rank := c.Node, len(spatial)
	ws, err := framesOf(n, rank, kernel)
	if err != nil {
		return nil, err
	}
	extra, err := spatialInts(n, "output_padding", rank, 0, 0)
	if err != nil {
		return nil, err
	}
	sizes, err := spatialInts(n, "output_shape", rank, -1, 0)
	if err != nil {
		return nil, err
	}
	autoPad := n.Text("auto_pad", "NOTSET")
	for i, w := range ws {
		w.out = spatial[i]
		full := w.stride*(w.out-1) + extra[i] + w.span()
		switch {
		case sizes[i] >= 0:
			w.in = sizes[i]
			w.before, w.after = splitPadding(max(0, full-w.in), autoPad)
		case autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER":
			w.in = w.out * w.stride
			w.before, w.after = splitPadding(max(0, full-w.in), autoPad)
		case autoPad == "VALID":
			w.before, w.after, w.in = 0, 0, full
		default:
			w.in = full - w.before - w.after
		}
		if w.in < 0 {
			return nil, fmt.Errorf("spatial axis %d: an output of %d elements less padding %d and %d is negative", i, full, w.before, w.after)
		}
		ws[i] = w
	}
	return ws, nil
}

// scatter adds to y (batch, M, …) every element of x (batch, C, …) times the
// filters w (C, M/groups, …) of its channel, spread over the window around it.
func scatter(c *Call, y, x, w []float64, batch, channels, groups int, ws windows) {
	plane, xPlane, kernel := ws.in().Size(), ws.out().Size(), ws.kernel().Size()
	if len(y) == 0 || len(x) == 0 {
		return
	}
	perGroup := len(w) / channels / kernel
	depth := channels / groups
	var taps []tap
	position := 0
	walk(ws.out(), func(at []int) {
		taps = ws.taps(at, taps)
		for i := range batch * channels {
			c.checkpoint()
			v := x[i*xPlane+position]
			for f := range perGroup {
				weights := w[(i%channels*perGroup+f)*kernel:]
				to := y[(i/depth*perGroup+f)*plane:]
				for _, t := range taps {
					to[t.input] += v * weights[t.kernel]
				}
			}
		}
		position++
	})
}

// col2im adds up the blocks of an image, which overlap where strides are shorter
// than blocks.
func col2im(c *Call) ([]tensor.Value, error) {
	x, image, block := c.Tensor(0), shapeInput(c, 1), shapeInput(c, 2)
	ws, err := windowsOf(c.Node, image, block)
	if err != nil {
		return nil, err
	}
	kernel, blocks := ws.kernel().Size(), ws.out().Size()
	if x.Rank() != 3 || x.Shape()[1]%kernel != 0 || x.Shape()[2] != blocks {
		return nil, fmt.Errorf("the input has the shape %v; for blocks %v of an image %v it must be (N, C × %d, %d)", x.Shape(), block, image, kernel, blocks)
	}
	batch, channels := x.Shape()[0], x.Shape()[1]/kernel
	shape := append(tensor.Shape{batch, channels}, image...)
	if _, err := countOf(shape); err != nil {
		return nil, err
	}
	if d := x.DType(); d.IsInteger() || d == tensor.Bool {
		return one(tensor.FromInt64s(d, shape, addBlocks(c, x.Int64s(), batch*channels, ws)))
	}
	components, err := realComponents(x)
	if err != nil {
		return nil, err
	}
	for i, v := range components {
		components[i] = addBlocks(c, v, batch*channels, ws)
	}
	return one(fromComponents(x.DType(), shape, components))
}

// shapeInput returns an integer input as a shape.
func shapeInput(c *Call, i int) tensor.Shape {
	return mapped(c.Ints(i), tensor.Extent)
}

// addBlocks adds the columns of v (planes, kernel, blocks) into planes of the
// windows' input.
func addBlocks[T int64 | float64](c *Call, v []T, planes int, ws windows) []T {
	plane, blocks, kernel := ws.in().Size(), ws.out().Size(), ws.kernel().Size()
	y := make([]T, planes*plane)
	var taps []tap
	position := 0
	walk(ws.out(), func(at []int) {
		taps = ws.taps(at, taps)
		for i := range planes {
			c.checkpoint()
			for _, t := range taps {
				y[i*plane+t.input] += v[(i*kernel+t.kernel)*blocks+position]
			}
		}
		position++
	})
	return y
}

// causalConv correlates each channel with a kernel of its own that sees only the
// present and the past: the state, or zeros, stands in front of the input. The
// end of both is the next state.
func causalConv(c *Call) ([]tensor.Value, error) {
	x, w, state := c.Tensor(0), c.Tensor(1), c.Tensor(3)
	if x.Rank() != 3 || w.Rank() != 3 || w.Shape()[0] != x.Shape()[1] || w.Shape()[1] != 1 || w.Shape()[2] < 1 {
		return nil, fmt.Errorf("input %v and weight %v: (N, C, L) and (C, 1, k) are needed", x.Shape(), w.Shape())
	}
	batch, channels, length, memory := x.Shape()[0], x.Shape()[1], x.Shape()[2], w.Shape()[2]-1
	stateShape := tensor.Shape{batch, channels, memory}
	if state == nil {
		state = tensor.Zeros(x.DType(), stateShape)
	}
	if !state.Shape().Equal(stateShape) {
		return nil, fmt.Errorf("past_state has the shape %v; for input %v and weight %v it must be %v", state.Shape(), x.Shape(), w.Shape(), stateShape)
	}
	all, err := joined([]*tensor.Tensor{state, x}, 2)
	if err != nil {
		return nil, err
	}
	ws := windows{{in: memory + length, out: length, kernel: memory + 1, stride: 1, dilation: 1}}
	y := convolve(c, all.Float64s(), w.Float64s(), batch, channels, channels, ws)
	if err := addBias(y, x.Shape(), c.Tensor(2)); err != nil {
		return nil, err
	}
	switch activation := c.Node.Text("activation", "none"); activation {
	case "none", "":
	case "silu", "swish":
		y = mapped(y, func(v float64) float64 { return v / (1 + math.Exp(-v)) })
	default:
		return nil, fmt.Errorf("attribute activation is %q, which is none of none, silu and swish", activation)
	}
	last := make([]int, memory)
	for i := range last {
		last[i] = length + i
	}
	return []tensor.Value{tensor.FromFloat64s(x.DType(), x.Shape(), y), take(all, 2, last)}, nil
}
