package cell

import (
	"math"

	"example.com/midplane/adapter/tensor"
)

// learning holds the operators of ai.onnx.ml on tensors.
var learning = family{
	"ai.onnx.ml.Scaler":                {classes: classes("per-feature", "scale-only"), shapes: matrix, draw: scaler},
	"ai.onnx.ml.Normalizer":            {classes: classes("l1", "l2"), shapes: matrix, draw: normalizer},
	"ai.onnx.ml.Imputer":               {classes: []string{"one", "per-feature"}, shapes: matrix, draw: imputer},
	"ai.onnx.ml.Binarizer":             {classes: classes("threshold"), shapes: matrix, draw: binarizer},
	"ai.onnx.ml.ArrayFeatureExtractor": {shapes: matrix, draw: arrayFeatureExtractor},
	"ai.onnx.ml.FeatureVectorizer":     {classes: classes("cut"), shapes: matrix, draw: featureVectorizer},
	"ai.onnx.ml.OneHotEncoder":         {classes: classes("unknown"), shapes: matrix, draw: oneHotEncoder},
	"ai.onnx.ml.CategoryMapper":        {classes: classes("default-value"), shapes: matrix, host: true, draw: categoryMapper},
	"ai.onnx.ml.LabelEncoder":          {classes: []string{"to-int64", "to-string", "to-float", "default-value", "default-string", "default-float", "tensors"}, shapes: matrix, draw: labelEncoder},

	"ai.onnx.ml.LinearRegressor":  {classes: classes("intercepts", "targets", "softmax", "logistic", "probit"), shapes: matrix, draw: linearRegressor},
	"ai.onnx.ml.LinearClassifier": {classes: append(classes("binary", "strings"), transforms...), shapes: matrix, draw: linearClassifier},
	"ai.onnx.ml.SVMRegressor":     {classes: []string{"linear", "poly", "rbf", "sigmoid", "one-class", "logistic"}, shapes: matrix, draw: svmRegressor},
	"ai.onnx.ml.SVMClassifier":    {classes: append([]string{"linear", "poly", "rbf", "sigmoid", "probabilities", "strings"}, transforms...), shapes: matrix, draw: svmClassifier},

	"ai.onnx.ml.TreeEnsemble":           {classes: append(classes("average", "min", "max", "modes", "missing", "member"), transforms...), shapes: matrix, draw: treeEnsemble},
	"ai.onnx.ml.TreeEnsembleRegressor":  {classes: append(classes("average", "min", "max", "modes", "missing", "base", "tensors"), transforms...), shapes: matrix, draw: treeEnsembleOld},
	"ai.onnx.ml.TreeEnsembleClassifier": {classes: append(classes("strings", "modes", "missing", "base", "tensors"), transforms...), shapes: matrix, draw: treeEnsembleOld},
}

// matrix are the shapes of examples with their features.
var matrix = []Shape{Rank2, Dynamic, Large}

// transforms are what scores may go through at the end.
var transforms = []string{"softmax", "logistic", "softmax-zero"}

// examples returns the shape of examples with so many features.
func (d *draft) examples(features int) tensor.Shape {
	n := 2 + d.IntN(4)
	if d.Cell.Shape == Large {
		n = 700
	}
	return tensor.Shape{n, features}
}

// transform sets the attribute of the class, where it is one.
func (d *draft) transform() {
	if name := map[string]string{"softmax": "SOFTMAX", "logistic": "LOGISTIC", "softmax-zero": "SOFTMAX_ZERO", "probit": "PROBIT"}[d.Attributes]; name != "" {
		d.text("post_transform", name)
	}
}

// reals draws n numbers for an attribute.
func (d *draft) reals(n int, low, high float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(math.Round((low+d.Float64()*(high-low))*64) / 64)
	}
	return v
}

func scaler(d *draft) {
	const features = 3
	d.data(d.examples(features))
	n := 1
	if d.is("per-feature") {
		n = features
	}
	attr(d, "scale", d.reals(n, 0.5, 2))
	if !d.is("scale-only") {
		attr(d, "offset", d.reals(n, -1, 1))
	} else {
		attr(d, "offset", []float32{0})
	}
}

func normalizer(d *draft) {
	d.real(d.examples(4), 1, 9)
	if !d.is("default") {
		d.text("norm", map[string]string{"l1": "L1", "l2": "L2"}[d.Attributes])
	}
}

func imputer(d *draft) {
	const features = 3
	n := 1
	if d.is("per-feature") {
		n = features
	}
	if d.DType.IsFloat() {
		attr(d, "imputed_value_floats", d.reals(n, 4, 8))
		d.float("replaced_value_float", 2.5)
	} else {
		d.ints("imputed_value_int64s", 40, 50, 60)
		d.attributes[0].Value = d.attributes[0].Value.([]int64)[:n]
		d.int("replaced_value_int64", 2)
	}
	d.in(d.examples(features), plain, among(0, 1, 2, 2.5))
}

func binarizer(d *draft) {
	d.in(d.examples(4), plain, among(-1, 0, 0.5, 1, 2))
	if d.is("threshold") {
		d.float("threshold", 0.75)
	}
}

func arrayFeatureExtractor(d *draft) {
	d.real(d.examples(5), -3, 3)
	d.in(tensor.Shape{1, 3}, plain, between(0, 4))
}

func featureVectorizer(d *draft) {
	s := d.examples(3)
	d.real(s, -3, 3)
	d.real(tensor.Shape{s[0], 2}, -3, 3)
	if d.is("cut") {
		d.ints("inputdimensions", 2, 2)
	} else {
		d.ints("inputdimensions", 3, 2)
	}
}

func oneHotEncoder(d *draft) {
	if d.is("unknown") {
		d.int("zeros", 1)
	}
	s := d.examples(2)
	if d.DType == tensor.String {
		attr(d, "cats_strings", []string{"a", "b", "c"})
		if d.is("unknown") {
			d.in(s, plain, from("a", "b", "c", "x"))
		} else {
			d.in(s, plain, from("a", "b", "c"))
		}
		return
	}
	d.ints("cats_int64s", 1, 3, 5)
	if d.is("unknown") {
		d.in(s, plain, between(0, 6))
	} else {
		d.in(s, plain, among(1, 3, 5))
	}
}

func categoryMapper(d *draft) {
	d.ints("cats_int64s", 4, 5, 6)
	attr(d, "cats_strings", []string{"a", "b", "c"})
	if d.is("default-value") {
		d.int("default_int64", 77)
		d.text("default_string", "nothing")
	}
	if d.DType == tensor.String {
		d.in(d.examples(2), plain, from("a", "b", "c", "x"))
		return
	}
	d.real(d.examples(2), 3, 7)
}

// labelEncoder maps strings, integers or floats; version 1 knows strings only.
func labelEncoder(d *draft) {
	f := among(1, 2, 3, 4)
	if d.DType == tensor.String {
		f = from("a", "b", "c", "x")
	}
	d.in(d.examples(2), plain, f)
	if d.Version == 1 {
		d.only(d.is("to-int64", "default-value"))
		attr(d, "classes_strings", []string{"a", "b", "c"})
		if d.DType == tensor.Int64 {
			d.operands[0].fill = between(0, 3)
		}
		if d.is("default-value") {
			d.int("default_int64", 77)
			d.text("default_string", "nothing")
		}
		return
	}
	if d.is("tensors") {
		d.only(d.DType != tensor.String)
		attr(d, "keys_tensor", exactly(1, 2, 3)(d.Rand, d.DType, tensor.Shape{3}))
		attr(d, "values_tensor", exactly(30, 10, 20)(d.Rand, d.DType, tensor.Shape{3}))
		attr(d, "default_tensor", exactly(5)(d.Rand, d.DType, tensor.Shape{1}))
		return
	}
	switch d.DType {
	case tensor.String:
		attr(d, "keys_strings", []string{"a", "b", "c"})
	case tensor.Int64:
		d.ints("keys_int64s", 1, 2, 3)
	case tensor.Float32:
		attr(d, "keys_floats", []float32{1, 2, 3})
	default:
		d.only(false)
	}
	switch d.Attributes {
	case "to-int64", "default-value":
		d.ints("values_int64s", 30, 10, 20)
	case "to-string", "default-string":
		attr(d, "values_strings", []string{"x", "y", "z"})
	case "to-float", "default-float":
		attr(d, "values_floats", []float32{0.5, 1.5, 2.5})
	}
	switch d.Attributes {
	case "default-value":
		d.int("default_int64", 77)
	case "default-string":
		d.text("default_string", "nothing")
	case "default-float":
		d.float("default_float", 7.5)
	}
}

func linearRegressor(d *draft) {
	const features = 3
	targets := 1
	if !d.is("default", "intercepts", "probit") {
		targets = 2
	}
	if d.is("probit") { // of numbers between 0 and 1
		d.real(d.examples(features), 0, 1)
		attr(d, "coefficients", []float32{0.25, 0.25, 0.25})
		attr(d, "intercepts", []float32{0.125})
		d.only(d.DType.IsFloat())
	} else {
		d.real(d.examples(features), -3, 3)
		attr(d, "coefficients", d.reals(features*targets, -2, 2))
		if !d.is("default") {
			attr(d, "intercepts", d.reals(targets, -2, 2))
		}
	}
	d.int("targets", targets)
	d.transform()
}

// linearClassifier has examples whose scores are far apart.
func linearClassifier(d *draft) {
	const features, labels = 3, 3
	n := labels
	if d.is("binary") {
		n = 2
	}
	d.in(d.examples(features), plain, among(-3, -2, -1, 1, 2, 3))
	attr(d, "coefficients", d.reals(features*n, -2, 2))
	attr(d, "intercepts", d.reals(n, -2, 2))
	d.labels(n)
	d.transform()
}

// labels sets the names of so many classes.
func (d *draft) labels(n int) {
	if d.is("strings") {
		attr(d, "classlabels_strings", []string{"ja", "nein", "vielleicht"}[:n])
		return
	}
	name := "classlabels_ints"
	if !d.hasAttribute(name) {
		name = "classlabels_int64s"
	}
	attr(d, name, []int64{10, 20, 30}[:n])
}

// kernel sets the attributes of a machine with so many support vectors.
func (d *draft) kernel(vectors, features int) {
	kind := map[string]string{"poly": "POLY", "rbf": "RBF", "sigmoid": "SIGMOID"}[d.Attributes]
	if kind == "" {
		kind = "LINEAR"
	}
	d.text("kernel_type", kind)
	attr(d, "kernel_params", []float32{0.25, 0.5, 3})
	attr(d, "support_vectors", d.reals(vectors*features, -1, 1))
}

func svmRegressor(d *draft) {
	const features, vectors = 3, 4
	d.in(d.examples(features), plain, among(-2, -1, 0, 1, 2))
	d.kernel(vectors, features)
	d.int("n_supports", vectors)
	attr(d, "coefficients", d.reals(vectors, -1, 1))
	attr(d, "rho", d.reals(1, -1, 1))
	if d.is("one-class") {
		d.flag("one_class")
	}
	d.transform()
}

func svmClassifier(d *draft) {
	const features, labels, vectors = 3, 3, 5
	d.in(d.examples(features), plain, among(-2, -1, 0, 1, 2))
	d.kernel(vectors, features)
	d.ints("vectors_per_class", 2, 2, 1)
	attr(d, "coefficients", d.reals((labels-1)*vectors, -1, 1))
	attr(d, "rho", d.reals(labels*(labels-1)/2, -1, 1))
	if d.is("probabilities") {
		attr(d, "prob_a", []float32{-1, -1.5, -0.5})
		attr(d, "prob_b", []float32{0.25, 0, -0.25})
	}
	d.labels(labels)
	d.transform()
}

// withMissing draws from a list that lacks some numbers: NaN stands for them.
func withMissing(missing bool) fill {
	if missing {
		return among(-3, -2, -1, 1, 2, 3, math.NaN())
	}
	return among(-3, -2, -1, 0, 1, 2, 3)
}

// modes are the comparisons of the inner nodes of trees, by attribute class.
func (d *draft) modes() []int {
	switch d.Attributes {
	case "modes":
		return []int{1, 2, 3, 4}
	case "member":
		return []int{6, 0, 0, 5}
	}
	return []int{0, 0, 0, 0}
}

// treeEnsemble has two trees over three features: nodes 0, 1, 2 with leaves 0 to
// 3, and node 3 with leaves 4 and 5.
func treeEnsemble(d *draft) {
	d.in(d.examples(3), plain, withMissing(d.is("missing")))
	modes := make([]uint8, 4)
	for i, m := range d.modes() {
		modes[i] = uint8(m)
	}
	attr(d, "nodes_modes", tensor.Of(modes))
	typed := func(v ...float64) *tensor.Tensor { return exactly(v...)(d.Rand, d.DType, tensor.Shape{len(v)}) }
	attr(d, "nodes_splits", typed(0, -1, 1, 0))
	d.ints("nodes_featureids", 0, 1, 2, 1)
	d.ints("nodes_truenodeids", 1, 0, 2, 4)
	d.ints("nodes_trueleafs", 0, 1, 1, 1)
	d.ints("nodes_falsenodeids", 2, 1, 3, 5)
	d.ints("nodes_falseleafs", 0, 1, 1, 1)
	d.ints("tree_roots", 0, 3)
	d.ints("leaf_targetids", 0, 0, 0, 0, 1, 1) // what a target without a vote has is open
	attr(d, "leaf_weights", typed(1, -2, 0.5, 3, -0.25, 2))
	d.int("n_targets", 2)
	switch d.Attributes {
	case "missing":
		d.ints("nodes_missing_value_tracks_true", 1, 0, 1, 0)
	case "member":
		attr(d, "membership_values", typed(1, 2, -3, math.NaN()))
	}
	if at, ok := map[string]int{"average": 0, "min": 2, "max": 3}[d.Attributes]; ok {
		d.int("aggregate_function", at)
	}
	if at, ok := map[string]int{"softmax": 1, "logistic": 2, "softmax-zero": 3}[d.Attributes]; ok {
		d.int("post_transform", at)
	}
}

// treeEnsembleOld has the same two trees in the form of the older operators.
func treeEnsembleOld(d *draft) {
	d.in(d.examples(3), plain, withMissing(d.is("missing") && d.DType.IsFloat()))
	names := []string{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"}
	m := d.modes()
	inner := func(k int) string { return names[m[k]] }
	attr(d, "nodes_modes", []string{inner(0), inner(1), inner(2), "LEAF", "LEAF", "LEAF", "LEAF", inner(3), "LEAF", "LEAF"})
	d.floats("nodes_values", 0, -1, 1, 0, 0, 0, 0, 0, 0, 0)
	d.ints("nodes_treeids", 0, 0, 0, 0, 0, 0, 0, 1, 1, 1)
	d.ints("nodes_nodeids", 0, 1, 2, 3, 4, 5, 6, 0, 1, 2)
	d.ints("nodes_featureids", 0, 1, 2, 0, 0, 0, 0, 1, 0, 0)
	d.ints("nodes_truenodeids", 1, 3, 5, 0, 0, 0, 0, 1, 0, 0)
	d.ints("nodes_falsenodeids", 2, 4, 6, 0, 0, 0, 0, 2, 0, 0)
	kind := "target"
	last := 1 // class or target
	if d.schema.Name == "TreeEnsembleClassifier" {
		kind, last = "class", 2
		d.labels(3)
	} else {
		d.int("n_targets", 2)
	}
	// The first tree votes for the first, the second for all others: what one
	// without a vote has is open.
	d.ints(kind+"_treeids", 0, 0, 0, 0, 0, 1, 1, 1, 1)
	d.ints(kind+"_nodeids", 3, 4, 4, 5, 6, 1, 1, 2, 2)
	d.ints(kind+"_ids", 0, 0, 1, 0, 0, 1, last, 1, last)
	d.floats(kind+"_weights", 1, -2, -0.75, 0.5, 3, -0.25, 1.25, 2, 0.375)
	d.transform()
	switch d.Attributes {
	case "average", "min", "max":
		d.text("aggregate_function", map[string]string{"average": "AVERAGE", "min": "MIN", "max": "MAX"}[d.Attributes])
	case "missing":
		d.ints("nodes_missing_value_tracks_true", 1, 0, 1, 0, 0, 0, 0, 0, 0, 0)
	case "base", "tensors":
		d.floats("base_values", []float64{0.5, -1.5, 0.25}[:1+last]...)
	}
}

// floats sets a list of floats, or in the class "tensors" the tensor of double
// precision that may stand for it.
func (d *draft) floats(name string, v ...float64) {
	if d.is("tensors") {
		d.only(d.DType == tensor.Float64)
		attr(d, name+"_as_tensor", tensor.Of(v))
		return
	}
	narrow := make([]float32, len(v))
	for i, x := range v {
		narrow[i] = float32(x)
	}
	attr(d, name, narrow)
}
