package cpu

import (
	"context"
	"math"
	"math/bits"
	"sync/atomic"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators"
	"example.com/midplane/operators/graph"
)

// encoder holds LabelEncoder, OneHotEncoder, ArrayFeatureExtractor and
// FeatureVectorizer of ai.onnx.ml for numbers: strings live on the host.
var encoder = family{
	{op: "ai.onnx.ml.LabelEncoder", kernel: "encoder", by: byType{
		tensor.Float32: labelEncoder[float32], tensor.Float64: labelEncoder[float64], tensor.Int64: labelEncoder[int64], tensor.Int32: labelEncoder[int32],
	}},
	{op: "ai.onnx.ml.OneHotEncoder", kernel: "encoder", by: byType{
		tensor.Float32: oneHotEncoder[float32], tensor.Float64: oneHotEncoder[float64], tensor.Int64: oneHotEncoder[int64], tensor.Int32: oneHotEncoder[int32],
	}},
	{op: "ai.onnx.ml.ArrayFeatureExtractor", kernel: "encoder", values: []int{1}, inputs: [][]tensor.DType{featureTypes, {tensor.Int64}},
		build: byWidth(0, nil, nil, featureExtractor[uint32], featureExtractor[uint64])},
	{op: "ai.onnx.ml.FeatureVectorizer", kernel: "encoder", by: byType{
		tensor.Float32: featureVectorizer[float32], tensor.Float64: featureVectorizer[float64], tensor.Int64: featureVectorizer[int64], tensor.Int32: featureVectorizer[int32],
	}},
}

var featureTypes = []tensor.DType{tensor.Float32, tensor.Float64, tensor.Int64, tensor.Int32}

// feature is the set of types of features.
type feature interface {
	float32 | float64 | int64 | int32
}

// identity returns a number that equal features share: every NaN equals every other,
// and -0 equals 0.
func identity[T feature](v T) int64 {
	switch v := any(v).(type) {
	case float32:
		if v != v {
			return int64(math.Float32bits(float32(math.NaN())))
		}
		return int64(math.Float32bits(v + 0)) // -0 + 0 is 0
	case float64:
		if v != v {
			return int64(math.Float64bits(math.NaN()))
		}
		return int64(math.Float64bits(v + 0))
	}
	return int64(v)
}

// keyTable tells where numbers stand in a list: a hash table of open addresses.
type keyTable struct {
	keys  []int64
	at    []int32 // of a key in the list, -1 where there is no key
	shift int
}

// keyTableOf indexes a list. Of equal elements the last one counts.
func keyTableOf(list []int64) *keyTable {
	size := bits.Len(uint(2 * len(list)))
	p := &keyTable{keys: make([]int64, 1<<size), at: make([]int32, 1<<size), shift: 64 - size}
	for i := range p.at {
		p.at[i] = -1
	}
	for i, key := range list {
		slot := p.slot(key)
		p.keys[slot], p.at[slot] = key, int32(i)
	}
	return p
}

// slot returns where a key is, or would be.
func (p *keyTable) slot(key int64) int {
	const golden = 0x9E3779B97F4A7C15 // 2^64 divided by the golden ratio
	slot := int(uint64(key) * golden >> p.shift)
	for p.at[slot] >= 0 && p.keys[slot] != key {
		slot = (slot + 1) & (len(p.at) - 1)
	}
	return slot
}

// listed returns the one list of numbers that is set of the attributes prefix_int64s,
// _floats and _tensor, nil if there is none or another.
func listed(n *graph.Node, prefix string) *tensor.Tensor {
	var list *tensor.Tensor
	count := 0
	if len(n.Texts(prefix+"_strings")) > 0 {
		return nil
	}
	if v := n.Ints(prefix + "_int64s"); len(v) > 0 {
		list, count = tensor.Of(v), count+1
	}
	if v := n.Floats(prefix + "_floats"); len(v) > 0 {
		list, count = tensor.Of(v), count+1
	}
	if t := n.Tensor(prefix + "_tensor"); t != nil {
		list, count = t, count+1
	}
	if count != 1 {
		return nil
	}
	return list
}

// labelDefault is what stands for features that have no label, of type d.
func labelDefault(n *graph.Node, d tensor.DType) *tensor.Tensor {
	if t := n.Tensor("default_tensor"); t != nil {
		return t
	}
	switch d {
	case tensor.Int64:
		return tensor.Of([]int64{n.Int("default_int64", -1)})
	case tensor.Float32:
		return tensor.Of([]float32{n.Float("default_float", float32(math.Copysign(0, -1)))})
	}
	return nil
}

// labelEncoder replaces keys by values.
func labelEncoder[T feature](d *Device, n *graph.Node) (planner, error) {
	keys, values := listed(n, "keys"), listed(n, "values")
	if keys == nil || values == nil || keys.DType() != tensor.DTypeOf[T]() || keys.Len() != values.Len() || keys.Len() >= 1<<30 {
		return nothing, nil
	}
	dtype := values.DType()
	def := labelDefault(n, dtype)
	if def == nil || def.Len() != 1 || def.DType() != dtype {
		return nothing, nil
	}
	list := make([]int64, keys.Len())
	for i, v := range tensor.Slice[T](keys) {
		list[i] = identity(v)
	}
	table, labels := keyTableOf(list), append(values.Bytes()[:len(values.Bytes()):len(values.Bytes())], def.Bytes()...)
	switch dtype.Bits() {
	case 32:
		return encodeLabels[T](d, dtype, table, as[uint32](labels)), nil
	case 64:
		return encodeLabels[T](d, dtype, table, as[uint64](labels)), nil
	}
	return nothing, nil
}

// encodeLabels replaces features by the labels at their places, or by the last one.
func encodeLabels[T feature, U word](d *Device, dtype tensor.DType, table *keyTable, labels []U) planner {
	return func(c *operators.Call) (work, error) {
		s := c.Inputs[0].Shape.Clone()
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			x, err := input[T](c, 0)
			if err != nil {
				return err
			}
			dst, err := output[U](c, 0, dtype, s)
			if err != nil {
				return err
			}
			return d.each(ctx, len(x), 4, func(first, end int) {
				for i, v := range x[first:end] {
					if at := table.at[table.slot(identity(v))]; at >= 0 {
						dst[first+i] = labels[at]
					} else {
						dst[first+i] = labels[len(labels)-1]
					}
				}
			})
		}), nil
	}
}

// oneHotEncoder adds an axis over the categories. Numbers are truncated to integers
// before they are looked up.
func oneHotEncoder[T feature](d *Device, n *graph.Node) (planner, error) {
	cats, zeros := n.Ints("cats_int64s"), n.Bool("zeros", true)
	if n.Has("cats_strings") || !n.Has("cats_int64s") || len(cats) == 0 || len(cats) >= 1<<30 {
		return nothing, nil
	}
	table := keyTableOf(cats)
	return func(c *operators.Call) (work, error) {
		shape := append(c.Inputs[0].Shape.Clone(), len(cats))
		if tensor.Fits(tensor.Float32, shape) != nil {
			return nil, nil
		}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			x, err := input[T](c, 0)
			if err != nil {
				return err
			}
			dst, err := output[float32](c, 0, tensor.Float32, shape)
			if err != nil {
				return err
			}
			var unfit atomic.Bool
			err = d.each(ctx, len(x), len(cats)+4, func(first, end int) {
				clear(dst[first*len(cats) : end*len(cats)])
				for i := first; i < end; i++ {
					if !(float64(x[i]) > -1<<62 && float64(x[i]) < 1<<62) {
						unfit.Store(true) // no integer, or a huge one
						return
					}
					if at := table.at[table.slot(int64(x[i]))]; at >= 0 {
						dst[i*len(cats)+int(at)] = 1
					} else if !zeros {
						unfit.Store(true)
						return
					}
				}
			})
			if unfit.Load() {
				return errUnfit
			}
			return err
		}), nil
	}, nil
}

// featureExtractor takes some features of every example, the features being the last
// axis. A list of features is one example.
func featureExtractor[U word](d *Device, _ *graph.Node) (planner, error) {
	return func(c *operators.Call) (work, error) {
		s, dtype := c.Inputs[0].Shape, c.Inputs[0].DType
		wanted, err := integers(c, 1)
		if err != nil || len(s) == 0 || s.Size() == 0 || len(wanted) == 0 {
			return nil, nil
		}
		n := s[len(s)-1]
		features, neighbours := make([]int, len(wanted)), true
		for i, k := range wanted {
			if k < 0 || k >= int64(n) {
				return nil, nil
			}
			features[i] = int(k)
			neighbours = neighbours && features[i] == features[0]+i
		}
		shape := append(s[:len(s)-1].Clone(), len(features))
		if len(s) == 1 {
			shape = tensor.Shape{1, len(features)}
		}
		if tensor.Fits(dtype, shape) != nil {
			return nil, nil
		}
		rows := s.Size() / n
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			x, err := input[U](c, 0)
			if err != nil {
				return err
			}
			dst, err := output[U](c, 0, dtype, shape)
			if err != nil {
				return err
			}
			return d.each(ctx, rows, len(features), func(first, end int) {
				for i := first; i < end; i++ {
					row, to := x[i*n:][:n], dst[i*len(features):][:len(features)]
					if neighbours {
						copy(to, row[features[0]:])
						continue
					}
					for k, feature := range features {
						to[k] = row[feature]
					}
				}
			})
		}), nil
	}, nil
}

// featureVectorizer joins the features of all inputs, each of which takes as many
// columns as inputdimensions says: more are cut off, missing ones are 0.
func featureVectorizer[T feature](d *Device, node *graph.Node) (planner, error) {
	sizes := node.Ints("inputdimensions")
	return func(c *operators.Call) (work, error) {
		if len(sizes) != 0 && len(sizes) != len(c.Inputs) {
			return nil, nil
		}
		rows, total := 0, 0
		given, widths := make([]int, len(c.Inputs)), make([]int, len(c.Inputs))
		for i, o := range c.Inputs {
			n, columns, ok := examples(o.Shape)
			if !ok || n == 0 || i > 0 && n != rows || o.DType != tensor.DTypeOf[T]() {
				return nil, nil
			}
			rows, given[i], widths[i] = n, columns, columns
			if len(sizes) > 0 {
				widths[i] = tensor.Extent(sizes[i])
			}
			if widths[i] < 0 || total > math.MaxInt-widths[i] {
				return nil, nil
			}
			total += widths[i]
		}
		shape := tensor.Shape{rows, total}
		if tensor.Fits(tensor.Float32, shape) != nil {
			return nil, nil
		}
		return workFunc(func(ctx context.Context, c *operators.Call) error {
			dst, err := output[float32](c, 0, tensor.Float32, shape)
			if err != nil {
				return err
			}
			at := 0
			for i, width := range widths {
				x, err := input[T](c, i)
				if err != nil {
					return err
				}
				err = d.each(ctx, rows, width, func(first, end int) {
					for r := first; r < end; r++ {
						row, to := x[r*given[i]:][:given[i]], dst[r*total+at:][:width]
						for k, v := range row[:min(width, given[i])] {
							to[k] = float32(v)
						}
						clear(to[min(width, given[i]):])
					}
				})
				if err != nil {
					return err
				}
				at += width
			}
			return nil
		}), nil
	}, nil
}
