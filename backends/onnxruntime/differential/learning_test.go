package differential_test

import (
	"maps"

	"example.com/midplane/adapter/tensor"
)

func init() { maps.Copy(draws, learningDraws) }

// learningDraws are of the domain ai.onnx.ml, trees aside.
var learningDraws = map[string]func(d *dice) *sample{
	"ai.onnx.ml.ArrayFeatureExtractor": arrayFeatureExtractor,
	"ai.onnx.ml.Binarizer":             binarizer,
	"ai.onnx.ml.CastMap":               castMap,
	"ai.onnx.ml.CategoryMapper":        categoryMapper,
	"ai.onnx.ml.DictVectorizer":        dictVectorizer,
	"ai.onnx.ml.FeatureVectorizer":     featureVectorizer,
	"ai.onnx.ml.Imputer":               imputer,
	"ai.onnx.ml.LabelEncoder":          labelEncoder,
	"ai.onnx.ml.LinearClassifier":      linearClassifier,
	"ai.onnx.ml.LinearRegressor":       linearRegressor,
	"ai.onnx.ml.Normalizer":            normalizer,
	"ai.onnx.ml.OneHotEncoder":         oneHotEncoder,
	"ai.onnx.ml.SVMClassifier":         svmClassifier,
	"ai.onnx.ml.SVMRegressor":          svmRegressor,
	"ai.onnx.ml.Scaler":                scaler,
	"ai.onnx.ml.ZipMap":                zipMap,
}

// transforms are what scores may go through.
var transforms = []string{"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"}

// floats draws a list attribute.
func (d *dice) floats(n int, low, high float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(low + d.Float64()*(high-low))
	}
	return v
}

// features draws rows of features.
func (d *dice) features() (x *tensor.Tensor, rows, columns int) {
	rows, columns = d.between(1, 4), d.between(1, 4)
	return d.tensor(d.input(0), tensor.Shape{rows, columns}, -3, 4), rows, columns
}

func arrayFeatureExtractor(d *dice) *sample {
	s := d.full(d.between(1, 3), 4)
	return d.node(d.tensor(d.input(0), s, -4, 5), ints(d.list(d.between(1, 3), 0, s[len(s)-1]-1)...))
}

func binarizer(d *dice) *sample {
	n := d.node(d.data())
	if d.one(2) {
		attribute(n, "threshold", pick[float32](d, 0.5, 1, -1))
	}
	return n
}

// mapping draws a map from a few keys to numbers or strings.
func (d *dice) mapping(keys, values tensor.DType) *tensor.Map {
	n := d.between(1, 4)
	m := &tensor.Map{Keys: ints(0, 2, 3, 5), Values: d.tensor(values, tensor.Shape{n}, -4, 5)}
	if keys == tensor.String {
		m.Keys = tensor.Of([]string{"a", "b", "c", "d"}[:n])
	} else {
		m.Keys = ints([]int64{0, 2, 3, 5}[:n]...)
	}
	return m
}

func castMap(d *dice) *sample {
	m := d.mapping(tensor.Int64, pick(d, tensor.Float32, tensor.String))
	if t := m.Values.(*tensor.Tensor); t.DType() == tensor.String {
		for i := range t.Strings() {
			t.Strings()[i] = pick(d, "1", "-2", "7")
		}
	}
	n := d.node(m)
	attribute(n, "cast_to", pick(d, "TO_FLOAT", "TO_STRING", "TO_INT64"))
	if d.one(2) {
		attribute(n, "map_form", "SPARSE")
		attribute(n, "max_map", int64(7))
	}
	return n
}

func categoryMapper(d *dice) *sample {
	s := d.shape(d.rank(0))
	x := d.tensor(d.input(0), s, 0, 4)
	if x.DType() == tensor.String {
		x = d.strings(s)
	}
	n := d.node(x)
	attribute(n, "cats_int64s", []int64{0, 1, 2, 7})
	attribute(n, "cats_strings", []string{"a", "b", "Ab", ""})
	if d.one(2) {
		attribute(n, "default_int64", int64(-7))
		attribute(n, "default_string", "none")
	}
	return n
}

func dictVectorizer(d *dice) *sample {
	if d.one(2) {
		n := d.node(d.mapping(tensor.Int64, pick(d, tensor.Float32, tensor.Float64, tensor.String)))
		attribute(n, "int64_vocabulary", []int64{2, 0, 9, 3})
		return n
	}
	n := d.node(d.mapping(tensor.String, pick(d, tensor.Float32, tensor.Float64, tensor.Int64)))
	attribute(n, "string_vocabulary", []string{"c", "x", "a", "b"})
	return n
}

func featureVectorizer(d *dice) *sample {
	n := d.node()
	rows := d.between(1, 3)
	var columns []int64
	for range d.between(1, 3) {
		c := d.between(1, 3)
		columns = append(columns, int64(c))
		n.inputs = append(n.inputs, d.tensor(d.input(0), tensor.Shape{rows, c}, -4, 5))
	}
	attribute(n, "inputdimensions", columns)
	return n
}

func imputer(d *dice) *sample {
	x, _, columns := d.features()
	n := d.node(x)
	count := pick(d, 1, columns)
	if x.DType().IsFloat() {
		attribute(n, "imputed_value_floats", d.floats(count, 5, 9))
		attribute(n, "replaced_value_float", pick[float32](d, 0, 1))
		n.inputs[0] = tensor.FromFloat64s(x.DType(), x.Shape(), tensor.FromFloat64s(tensor.Int8, x.Shape(), x.Float64s()).Float64s())
		return n
	}
	attribute(n, "imputed_value_int64s", d.list(count, 5, 9))
	attribute(n, "replaced_value_int64", int64(d.IntN(2)))
	return n
}

func labelEncoder(d *dice) *sample {
	from, to := d.of("T1"), d.of("T2")
	s := d.shape(d.rank(0))
	x := d.tensor(from, s, 0, 4)
	if from == tensor.String {
		x = d.strings(s)
	} else if from.IsFloat() {
		x = tensor.FromInt64s(from, s, d.list(s.Size(), 0, 4))
	}
	n := d.node(x)
	if !d.since(2) {
		attribute(n, "classes_strings", words[:6])
		return n
	}
	suffix := map[tensor.DType]string{tensor.String: "strings", tensor.Int64: "int64s", tensor.Float32: "floats"}
	if suffix[from] == "" || suffix[to] == "" || d.since(4) && d.one(3) {
		attribute(n, "keys_tensor", labels(from))
		attribute(n, "values_tensor", labels(to))
		attribute(n, "default_tensor", d.tensor(to, tensor.Shape{1}, 5, 9))
		return n
	}
	setLabels(n, "keys_"+suffix[from], labels(from))
	setLabels(n, "values_"+suffix[to], labels(to))
	if d.one(2) {
		attribute(n, "default_string", "none")
		attribute(n, "default_int64", int64(-7))
		attribute(n, "default_float", float32(-0.5))
	}
	return n
}

// labels returns three values of a type.
func labels(t tensor.DType) *tensor.Tensor {
	if t == tensor.String {
		return tensor.Of([]string{"a", "b", "Ab"})
	}
	return tensor.FromInt64s(t, tensor.Shape{3}, []int64{1, 3, 2})
}

func setLabels(n *sample, name string, t *tensor.Tensor) {
	switch t.DType() {
	case tensor.String:
		attribute(n, name, t.Strings())
	case tensor.Int64:
		attribute(n, name, t.Int64s())
	default:
		attribute(n, name, tensor.Slice[float32](t))
	}
}

// classes sets the labels of count classes.
func (d *dice) classes(n *sample, name string, count int) {
	if d.one(2) {
		attribute(n, "classlabels_strings", []string{"a", "b", "c", "d"}[:count])
	} else {
		attribute(n, name, []int64{3, 1, 4, 2}[:count])
	}
}

func linearClassifier(d *dice) *sample {
	x, _, columns := d.features()
	n := d.node(x)
	n.outputs = 2
	classes := d.between(2, 4)
	d.classes(n, "classlabels_ints", classes)
	attribute(n, "coefficients", d.floats(classes*columns, -1, 1))
	if d.one(2) {
		attribute(n, "intercepts", d.floats(classes, -1, 1))
	}
	if d.one(2) {
		attribute(n, "multi_class", int64(d.IntN(2)))
	}
	attribute(n, "post_transform", pick(d, transforms[:4]...))
	return n.accumulates(8)
}

func linearRegressor(d *dice) *sample {
	x, _, columns := d.features()
	n := d.node(x)
	targets := d.between(1, 3)
	attribute(n, "targets", int64(targets))
	attribute(n, "coefficients", d.floats(targets*columns, -1, 1))
	if d.one(2) {
		attribute(n, "intercepts", d.floats(targets, -1, 1))
	}
	attribute(n, "post_transform", pick(d, transforms[:4]...))
	return n.accumulates(8)
}

func normalizer(d *dice) *sample {
	x, _, _ := d.features()
	n := d.node(x)
	attribute(n, "norm", pick(d, "MAX", "L1", "L2"))
	return n
}

func oneHotEncoder(d *dice) *sample {
	s := d.shape(d.rank(1))
	x := d.tensor(d.input(0), s, 0, 4)
	if x.DType() == tensor.String {
		x = d.strings(s)
	}
	n := d.node(x)
	if x.DType() == tensor.String {
		attribute(n, "cats_strings", []string{"a", "b", "Ab"})
	} else {
		attribute(n, "cats_int64s", []int64{0, 2, 3})
	}
	attribute(n, "zeros", int64(1))
	return n
}

func scaler(d *dice) *sample {
	x, _, columns := d.features()
	n := d.node(x)
	count := pick(d, 1, columns)
	attribute(n, "offset", d.floats(count, -2, 2))
	attribute(n, "scale", d.floats(count, 0.5, 2))
	return n
}

func zipMap(d *dice) *sample {
	columns := d.between(1, 4)
	n := d.node(d.tensor(tensor.Float32, tensor.Shape{d.between(1, 3), columns}, -4, 5))
	if d.one(2) {
		attribute(n, "classlabels_strings", []string{"a", "b", "c", "d"}[:columns])
	} else {
		attribute(n, "classlabels_int64s", []int64{3, 1, 4, 2}[:columns])
	}
	return n
}

// kernel sets the kernel of a support vector machine.
func (d *dice) kernel(n *sample) {
	attribute(n, "kernel_type", pick(d, "LINEAR", "POLY", "RBF", "SIGMOID"))
	attribute(n, "kernel_params", []float32{0.5, 0.25, 2})
}

func svmRegressor(d *dice) *sample {
	x, _, columns := d.features()
	n := d.node(x)
	d.kernel(n)
	vectors := d.between(1, 4)
	attribute(n, "n_supports", int64(vectors))
	attribute(n, "support_vectors", d.floats(vectors*columns, -1, 1))
	attribute(n, "coefficients", d.floats(vectors, -1, 1))
	attribute(n, "rho", d.floats(1, -1, 1))
	if d.one(3) {
		attribute(n, "one_class", int64(1))
	}
	return n.accumulates(16)
}

func svmClassifier(d *dice) *sample {
	x, _, columns := d.features()
	n := d.node(x)
	n.outputs = 2
	classes := d.between(2, 3)
	pairs := classes * (classes - 1) / 2
	d.kernel(n)
	d.classes(n, "classlabels_ints", classes)
	each := d.list(classes, 1, 2)
	vectors := 0
	for _, count := range each {
		vectors += int(count)
	}
	attribute(n, "vectors_per_class", each)
	attribute(n, "support_vectors", d.floats(vectors*columns, -1, 1))
	attribute(n, "coefficients", d.floats((classes-1)*vectors, -1, 1))
	attribute(n, "rho", d.floats(pairs, -1, 1))
	if d.one(2) {
		attribute(n, "prob_a", d.floats(pairs, -2, -1))
		attribute(n, "prob_b", d.floats(pairs, -0.5, 0.5))
	}
	attribute(n, "post_transform", pick(d, transforms[:4]...))
	return n.accumulates(16)
}
