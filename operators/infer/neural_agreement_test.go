package infer_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

func init() { maps.Copy(draws, neuralDraws) }

// real draws a float tensor of a shape.
func (d dice) real(shape ...int) *tensor.Tensor {
	v := make([]float64, tensor.Shape(shape).Size())
	for i := range v {
		v[i] = d.Float64()*4 - 2
	}
	return tensor.FromFloat64s(tensor.Float32, shape, v)
}

// spatial draws n extents.
func (d dice) spatial(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = []int{0, 1, 2, 3, 4, 5, 6, 7}[d.IntN(8)]
	}
	return s
}

// some draws a list attribute of n numbers from [low, high], or none.
func (d dice) some(name string, n, low, high int) []graph.Attribute {
	if d.IntN(2) == 0 {
		return nil
	}
	return with(graph.A(name, d.ints(n, low, high).Int64s()))
}

// sliding draws the attributes of a window over rank axes.
func (d dice) sliding(rank int) []graph.Attribute {
	a := append(d.some("strides", rank, 1, 3), d.some("dilations", rank, 1, 2)...)
	if d.IntN(3) == 0 {
		return append(a, graph.A("auto_pad", []string{"SAME_UPPER", "SAME_LOWER", "VALID"}[d.IntN(3)]))
	}
	return append(a, d.some("pads", 2*rank, 0, 2)...)
}

func (d dice) channels() int { return 1 + d.IntN(3) }

// shapeOf joins extents and lists of extents.
func shapeOf(parts ...any) []int {
	var s []int
	for _, p := range parts {
		switch v := p.(type) {
		case int:
			s = append(s, v)
		case []int:
			s = append(s, v...)
		case tensor.Shape:
			s = append(s, v...)
		}
	}
	return s
}

func (d dice) pool(*tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
	rank := 1 + d.IntN(2)
	a := append(d.sliding(rank), graph.A("kernel_shape", d.ints(rank, 1, 3).Int64s()), d.flag("ceil_mode"))
	return a, inputs(d.real(shapeOf(d.IntN(3), d.channels(), d.spatial(rank))...))
}

func (d dice) perChannel(count int, more ...graph.Attribute) ([]graph.Attribute, []*tensor.Tensor) {
	c := 1 + d.IntN(4)
	in := inputs(d.real(shapeOf(d.IntN(3), c, d.spatial(d.IntN(3)))...))
	for range count {
		in = append(in, d.real(c-d.IntN(8)/7))
	}
	return more, in
}

// quantized draws x, a scale and a zero point: one, or one for each element of
// an axis, or for each block.
func (d dice) quantized(x *tensor.Tensor, zero tensor.DType) ([]graph.Attribute, []*tensor.Tensor) {
	rank := x.Rank()
	axis, shape := 0, []int{}
	if rank > 0 {
		axis = d.IntN(rank)
	}
	a := with(graph.A("axis", int64(axis)))
	switch d.IntN(3) {
	case 0:
		if rank > 0 {
			shape = []int{x.Shape()[axis]}
		}
	case 1:
		if rank > 0 {
			block := 1 + d.IntN(3)
			shape = x.Shape().Clone()
			shape[axis] = (shape[axis] + block - 1) / block
			a = append(a, graph.A("block_size", int64(block)))
		}
	}
	return a, inputs(x, d.real(shape...), tensor.Zeros(zero, shape))
}

var neuralDraws = map[string]func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor){
	"MatMul": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		k := d.IntN(3)
		left := shapeOf(d.shape(d.IntN(3)), k)
		return nil, inputs(d.real(left...), d.real(shapeOf(d.shape(d.IntN(2)), k, d.spatial(d.IntN(2)))...))
	},
	"Gemm": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(d.flag("transA"), d.flag("transB")), inputs(d.real(d.channels(), d.channels()), d.real(d.channels(), d.channels()), d.real(d.shape(d.IntN(3))...))
	},
	"Einsum": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		equation := []string{"ij,jk->ik", "...i,...i", "ii,i->i", "ab,ba", "a...,a->...", "xy,z->zx"}[d.IntN(6)]
		return with(graph.A("equation", equation)), inputs(d.real(d.shape(2)...), d.real(d.shape(1+d.IntN(2))...))
	},
	"Det": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		m := d.IntN(4)
		return nil, inputs(d.real(shapeOf(d.shape(d.IntN(2)), m, m+d.IntN(6)/5)...))
	},
	"Conv": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		rank, groups, depth := 1+d.IntN(2), d.channels(), d.channels()
		w := d.real(shapeOf(groups*d.channels(), depth, 1+d.IntN(3), d.spatial(rank-1))...)
		return append(d.sliding(rank), graph.A("group", int64(groups))), inputs(d.real(shapeOf(d.IntN(3), groups*depth, d.spatial(rank))...), w)
	},
	"ConvTranspose": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		rank, groups, depth := 1+d.IntN(2), d.channels(), d.channels()
		a := append(d.sliding(rank), graph.A("group", int64(groups)))
		a = append(append(a, d.some("output_padding", rank, 0, 1)...), d.some("output_shape", rank, 0, 9)...)
		return a, inputs(d.real(shapeOf(d.IntN(3), groups*depth, d.spatial(rank))...), d.real(shapeOf(groups*depth, d.channels(), 1+d.IntN(3), d.spatial(rank-1))...))
	},
	"Col2Im": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		block, stride := 1+d.IntN(3), 1+d.IntN(2)
		blocks := d.channels()
		return with(graph.A("strides", []int64{int64(stride)})), inputs(d.real(d.IntN(3), block*d.channels(), blocks), tensor.Of([]int64{int64((blocks-1)*stride + block + d.IntN(2))}), tensor.Of([]int64{int64(block)}))
	},
	"CausalConvWithState": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		c := d.channels()
		return nil, inputs(d.real(d.IntN(3), c, d.IntN(4)), d.real(c, 1, d.IntN(4)))
	},
	"MaxPool":     dice.pool,
	"AveragePool": dice.pool,
	"LpPool":      dice.pool,
	"GlobalMaxPool": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return nil, inputs(d.real(x.Shape()...))
	},
	"MaxUnpool": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		rank := 1 + d.IntN(2)
		s := shapeOf(d.IntN(3), d.channels(), d.spatial(rank))
		a := append(d.some("strides", rank, 1, 3), d.some("pads", 2*rank, 0, 1)...)
		return append(a, graph.A("kernel_shape", d.ints(rank, 1, 3).Int64s())), inputs(d.real(s...), tensor.Zeros(tensor.Int64, s))
	},
	"BatchNormalization": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return d.perChannel(4, d.flag("training_mode"))
	},
	"InstanceNormalization": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) { return d.perChannel(2) },
	"GroupNormalization": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return d.perChannel(2, graph.A("num_groups", int64(d.channels())))
	},
	"LRN": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(graph.A("size", int64(1+d.IntN(4)))), inputs(d.real(x.Shape()...))
	},
	"LayerNormalization": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(d.axis(x.Rank())), inputs(d.real(x.Shape()...), d.real(d.shape(d.IntN(2))...))
	},
	"RMSNormalization": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(d.axis(x.Rank())), inputs(d.real(x.Shape()...), d.real(d.shape(d.IntN(2))...))
	},
	"LpNormalization": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(d.axis(x.Rank())), inputs(d.real(x.Shape()...))
	},
	"MeanVarianceNormalization": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(graph.A("axes", d.ints(d.IntN(3), -x.Rank(), x.Rank()).Int64s())), inputs(d.real(x.Shape()...))
	},
	"Resize": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		mode := []string{"half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"}[d.IntN(4)]
		policy := []string{"stretch", "not_larger", "not_smaller"}[d.IntN(3)]
		a := with(graph.A("coordinate_transformation_mode", mode), graph.A("keep_aspect_ratio_policy", policy))
		roi := make([]float32, 2*x.Rank())
		for i := x.Rank(); i < len(roi); i++ {
			roi[i] = d.Float32()
		}
		if d.IntN(2) == 0 {
			return a, inputs(d.real(x.Shape()...), tensor.Of(roi), nil, d.ints(x.Rank(), 0, 6))
		}
		scales := make([]float32, x.Rank())
		for i := range scales {
			scales[i] = d.Float32() * 3
		}
		return a, inputs(d.real(x.Shape()...), tensor.Of(roi), tensor.Of(scales))
	},
	"GridSample": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		rank, n := 1+d.IntN(2), d.IntN(3)
		return with(d.flag("align_corners")), inputs(d.real(shapeOf(n, d.channels(), d.spatial(rank))...), d.real(shapeOf(n, d.spatial(rank), rank+d.IntN(5)/4)...))
	},
	"AffineGrid": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		rank := 2 + d.IntN(2)
		size := d.ints(rank+2, 0, 2)
		return with(d.flag("align_corners")), inputs(d.real(int(size.Int64s()[0]), rank, rank+1), size)
	},
	"RoiAlign": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		regions := d.IntN(3)
		return with(graph.A("output_width", int64(d.IntN(3)))), inputs(d.real(1, d.channels(), 3, 4), d.real(regions, 4), tensor.Zeros(tensor.Int64, tensor.Shape{regions}))
	},
	"MaxRoiPool": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return with(graph.A("pooled_shape", []int64{2, 3})), inputs(d.real(1, d.channels(), 3, 4), tensor.Zeros(tensor.Float32, tensor.Shape{d.IntN(3), 5}))
	},
	"QuantizeLinear": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return d.quantized(d.real(x.Shape()...), tensor.Int4)
	},
	"DequantizeLinear": func(d dice, x *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		return d.quantized(tensor.FromFloat64s(tensor.Int8, x.Shape(), x.Float64s()), tensor.Int8)
	},
	"MatMulInteger": func(d dice, _ *tensor.Tensor) ([]graph.Attribute, []*tensor.Tensor) {
		k := d.IntN(4)
		return nil, inputs(tensor.Zeros(tensor.Int8, shapeOf(d.shape(d.IntN(3)), k)), tensor.Zeros(tensor.Uint8, tensor.Shape{k, d.IntN(4)}))
	},
}
