package infer

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// encoder holds LabelEncoder, CategoryMapper, OneHotEncoder, DictVectorizer,
// FeatureVectorizer, ArrayFeatureExtractor, CastMap, ZipMap of ai.onnx.ml.
var encoder = family{
	"ai.onnx.ml.LabelEncoder":          labelEncoder,
	"ai.onnx.ml.CategoryMapper":        categoryMapper,
	"ai.onnx.ml.OneHotEncoder":         oneHotEncoder,
	"ai.onnx.ml.FeatureVectorizer":     featureVectorizer,
	"ai.onnx.ml.ArrayFeatureExtractor": arrayFeatureExtractor,
	"ai.onnx.ml.DictVectorizer":        dictVectorizer,
	"ai.onnx.ml.CastMap":               castMap,
	"ai.onnx.ml.ZipMap":                zipMap,
}

func labelEncoder(c *Call) error {
	keys, keyCount := listType(c.Node, "keys")
	values, valueCount := listType(c.Node, "values")
	switch {
	case keys == tensor.Undefined || values == tensor.Undefined:
		return fmt.Errorf("one of the attributes keys_* and one of values_* must be set")
	case keyCount != valueCount:
		return fmt.Errorf("%d keys for %d values", keyCount, valueCount)
	case c.DType(0) != tensor.Undefined && c.DType(0) != keys:
		return fmt.Errorf("keys of type %v do not match elements of type %v", keys, c.DType(0))
	}
	c.SetLike(0, values, 0)
	return nil
}

// listType returns the type and length of the list that is set of the attributes
// prefix_tensor, _strings, _int64s and _floats.
func listType(n *graph.Node, prefix string) (tensor.DType, int) {
	if t := n.Tensor(prefix + "_tensor"); t != nil {
		return t.DType(), t.Len()
	}
	if s := n.Texts(prefix + "_strings"); len(s) > 0 {
		return tensor.String, len(s)
	}
	if v := n.Ints(prefix + "_int64s"); len(v) > 0 {
		return tensor.Int64, len(v)
	}
	if v := n.Floats(prefix + "_floats"); len(v) > 0 {
		return tensor.Float32, len(v)
	}
	return tensor.Undefined, 0
}

func categoryMapper(c *Call) error {
	if ints, texts := len(c.Node.Ints("cats_int64s")), len(c.Node.Texts("cats_strings")); ints != texts {
		return fmt.Errorf("%d cats_int64s for %d cats_strings", ints, texts)
	}
	switch c.DType(0) {
	case tensor.String:
		c.SetLike(0, tensor.Int64, 0)
	case tensor.Int64:
		c.SetLike(0, tensor.String, 0)
	}
	return nil
}

func oneHotEncoder(c *Call) error {
	if c.Node.Has("cats_int64s") == c.Node.Has("cats_strings") {
		return fmt.Errorf("exactly one of cats_int64s and cats_strings must be set")
	}
	if !c.Dims(0).Ranked() {
		c.SetUnranked(0, tensor.Float32)
		return nil
	}
	count := max(len(c.Node.Ints("cats_int64s")), len(c.Node.Texts("cats_strings")))
	c.Set(0, tensor.Float32, append(c.Dims(0).Clone(), tensor.Known(count)))
	return nil
}

func featureVectorizer(c *Call) error {
	examples, err := exampleDim(c)
	if err != nil {
		return err
	}
	features := tensor.Known(0)
	sizes := c.Node.Ints("inputdimensions")
	if len(sizes) > 0 && len(sizes) != len(c.In) {
		return fmt.Errorf("%d inputdimensions for %d inputs", len(sizes), len(c.In))
	}
	for i := range c.In {
		size := -1
		if d := c.Dims(i); len(sizes) > 0 {
			size = tensor.Extent(sizes[i])
		} else if len(d) > 0 {
			size = d[len(d)-1].Size
		}
		if size < 0 {
			features = tensor.Symbol("")
			break
		}
		features.Size += size
	}
	c.Set(0, tensor.Float32, tensor.Dims{examples, features})
	return nil
}

func arrayFeatureExtractor(c *Call) error {
	x, count := c.Dims(0), tensor.Symbol("")
	if shape, ok := c.Dims(1).Shape(); ok {
		if n, err := shape.Elements(); err == nil {
			count = tensor.Known(n)
		}
	}
	switch {
	case !x.Ranked():
		c.SetUnranked(0, c.DType(0))
	case len(x) == 0:
		return fmt.Errorf("a scalar has no features")
	case len(x) == 1:
		c.Set(0, c.DType(0), tensor.Dims{tensor.Known(1), count})
	default:
		c.Set(0, c.DType(0), append(x[:len(x)-1].Clone(), count))
	}
	return nil
}

func dictVectorizer(c *Call) error {
	m := c.Fact(0).Type
	if m.Kind != tensor.KindMap || m.Elem == nil {
		return nil
	}
	count := max(len(c.Node.Ints("int64_vocabulary")), len(c.Node.Texts("string_vocabulary")))
	c.Set(0, m.Elem.DType, tensor.Dims{tensor.Known(1), tensor.Known(count)})
	return nil
}

func castMap(c *Call) error {
	d, ok := map[string]tensor.DType{"TO_FLOAT": tensor.Float32, "TO_STRING": tensor.String, "TO_INT64": tensor.Int64}[c.Node.Text("cast_to", "TO_FLOAT")]
	if !ok {
		return fmt.Errorf("cast_to %q is none of TO_FLOAT, TO_STRING, TO_INT64", c.Node.Text("cast_to", ""))
	}
	count := tensor.Symbol("")
	if n := c.Node.Int("max_map", 1); c.Node.Text("map_form", "DENSE") == "SPARSE" && n >= 0 {
		count = tensor.Known(tensor.Extent(n))
	}
	c.Set(0, d, tensor.Dims{tensor.Known(1), count})
	return nil
}

func zipMap(c *Call) error {
	key := tensor.Int64
	if len(c.Node.Texts("classlabels_strings")) > 0 {
		key = tensor.String
	}
	c.SetType(0, tensor.SequenceType(tensor.MapType(key, tensor.TensorType(tensor.Float32, tensor.Dims{}))))
	return nil
}
