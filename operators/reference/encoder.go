package reference

import (
	"fmt"
	"math"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// encoder holds LabelEncoder, CategoryMapper, OneHotEncoder, FeatureVectorizer
// and ArrayFeatureExtractor of ai.onnx.ml, and the operators on maps of
// dictionary.go.
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

// places tells where elements stand in a list.
type places struct {
	strings map[string]int
	numbers map[int64]int // by value, floats by their bits
}

// placesOf indexes a list. Of equal elements the last one counts.
func placesOf(list *tensor.Tensor) places {
	p := places{map[string]int{}, map[int64]int{}}
	if list.DType() == tensor.String {
		for i, s := range list.Strings() {
			p.strings[s] = i
		}
		return p
	}
	for i, v := range identities(list) {
		p.numbers[v] = i
	}
	return p
}

// of returns where each element of t, of the list's type, stands, none if it
// does not.
func (p places) of(t *tensor.Tensor) []int {
	out := make([]int, t.Len())
	if t.DType() == tensor.String {
		for i, s := range t.Strings() {
			out[i] = placeOr(p.strings, s)
		}
		return out
	}
	for i, v := range identities(t) {
		out[i] = placeOr(p.numbers, v)
	}
	return out
}

// placesIn returns what placesOf(list).of(t) does. It goes through the list for each
// of a few elements.
func placesIn(list, t *tensor.Tensor) []int {
	const few = 4
	switch {
	case t.Len() > few:
		return placesOf(list).of(t)
	case t.DType() == tensor.String:
		return lastPlaces(list.Strings(), t.Strings())
	}
	return lastPlaces(identities(list), identities(t))
}

// lastPlaces returns the last place of each element in a list, none if it has none.
func lastPlaces[K comparable](list, elements []K) []int {
	out := make([]int, len(elements))
	for i, e := range elements {
		out[i] = none
		for k := len(list) - 1; k >= 0; k-- {
			if list[k] == e {
				out[i] = k
				break
			}
		}
	}
	return out
}

func placeOr[K comparable](m map[K]int, key K) int {
	if i, ok := m[key]; ok {
		return i
	}
	return none
}

// identities returns a number for each element of a numeric tensor, the same for
// equal elements: every NaN equals every other, and -0 equals 0.
func identities(t *tensor.Tensor) []int64 {
	if !t.DType().IsFloat() {
		return t.Int64s()
	}
	out := make([]int64, t.Len())
	for i, v := range t.Float64s() {
		if math.IsNaN(v) {
			v = math.NaN()
		}
		out[i] = int64(math.Float64bits(v + 0)) // -0 + 0 is 0
	}
	return out
}

// translate replaces each element of x by that of values which stands where the
// element stands among keys, or by the only element of def.
func translate(x, keys, values, def *tensor.Tensor) (*tensor.Tensor, error) {
	if x.DType() != keys.DType() {
		return nil, fmt.Errorf("keys of type %v do not match elements of type %v", keys.DType(), x.DType())
	}
	if keys.Len() != values.Len() {
		return nil, fmt.Errorf("%d keys for %d values", keys.Len(), values.Len())
	}
	if def.Len() != 1 || def.DType() != values.DType() {
		return nil, fmt.Errorf("the default %v is not one element of type %v, that of the values", def, values.DType())
	}
	from := placesIn(keys, x)
	y := pick(values, x.Shape(), from)
	move := mover(y, def)
	for i, k := range from {
		if k == none {
			move(i, 0)
		}
	}
	return y, nil
}

func labelEncoder(c *Call) ([]tensor.Value, error) {
	keys, err := listOf(c.Node, "keys")
	if err != nil {
		return nil, err
	}
	values, err := listOf(c.Node, "values")
	if err != nil {
		return nil, err
	}
	y, err := translate(c.Tensor(0), keys, values, defaultOf(c.Node, values.DType()))
	if err != nil {
		return nil, err
	}
	return one(y)
}

// listOf returns the one list that is set of the attributes prefix_strings,
// _int64s, _floats and _tensor.
func listOf(n *graph.Node, prefix string) (*tensor.Tensor, error) {
	var lists []*tensor.Tensor
	if s := n.Texts(prefix + "_strings"); len(s) > 0 {
		lists = append(lists, tensor.Of(s))
	}
	if v := n.Ints(prefix + "_int64s"); len(v) > 0 {
		lists = append(lists, tensor.Of(v))
	}
	if v := n.Floats(prefix + "_floats"); len(v) > 0 {
		lists = append(lists, tensor.Of(v))
	}
	if t := n.Tensor(prefix + "_tensor"); t != nil {
		lists = append(lists, t)
	}
	if len(lists) != 1 {
		return nil, fmt.Errorf("%d of the attributes %s_* are set, but exactly one must be", len(lists), prefix)
	}
	return lists[0], nil
}

// defaultOf returns the attribute default_* that holds a value of type d, or
// the default's default: "_Unused", -1 or -0.
func defaultOf(n *graph.Node, d tensor.DType) *tensor.Tensor {
	if t := n.Tensor("default_tensor"); t != nil {
		return t
	}
	switch {
	case d == tensor.String:
		return tensor.Of([]string{n.Text("default_string", "_Unused")})
	case d == tensor.Int64:
		return tensor.Of([]int64{n.Int("default_int64", -1)})
	case d == tensor.Float32:
		return tensor.Of([]float32{n.Float("default_float", float32(math.Copysign(0, -1)))})
	case d.IsFloat():
		return tensor.FromFloat64s(d, tensor.Shape{1}, []float64{math.Copysign(0, -1)})
	}
	return tensor.FromInt64s(d, tensor.Shape{1}, []int64{-1})
}

func categoryMapper(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	keys, values := tensor.Of(c.Node.Ints("cats_int64s")), tensor.Of(c.Node.Texts("cats_strings"))
	if x.DType() == tensor.String {
		keys, values = values, keys
	}
	y, err := translate(x, keys, values, defaultOf(c.Node, values.DType()))
	if err != nil {
		return nil, err
	}
	return one(y)
}

// oneHotEncoder adds an axis over the categories. Numbers are truncated to
// integers before they are looked up.
func oneHotEncoder(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	cats, err := categories(c.Node)
	if err != nil {
		return nil, err
	}
	if cats.DType() != x.DType() {
		if cats.DType() == tensor.String || x.DType() == tensor.String {
			return nil, fmt.Errorf("categories of type %v do not match elements of type %v", cats.DType(), x.DType())
		}
		if x, err = castTo(x, tensor.Int64, true, ""); err != nil {
			return nil, err
		}
	}
	shape := append(x.Shape().Clone(), cats.Len())
	y, err := tensor.New(tensor.Float32, shape)
	if err != nil {
		return nil, err
	}
	hot := tensor.Slice[float32](y)
	for i, k := range placesIn(cats, x) {
		switch {
		case k != none:
			hot[i*cats.Len()+k] = 1
		case !c.Node.Bool("zeros", true):
			return nil, fmt.Errorf("element %d is in none of %d categories, and zeros is 0", i, cats.Len())
		}
	}
	return one(y)
}

// categories returns the one of cats_int64s and cats_strings that is set.
func categories(n *graph.Node) (*tensor.Tensor, error) {
	if n.Has("cats_int64s") == n.Has("cats_strings") {
		return nil, fmt.Errorf("exactly one of cats_int64s and cats_strings must be set")
	}
	if n.Has("cats_strings") {
		return tensor.Of(n.Texts("cats_strings")), nil
	}
	return tensor.Of(n.Ints("cats_int64s")), nil
}

// featureVectorizer joins the features of all inputs. Each input takes as many
// columns as inputdimensions says: more are cut off, missing ones are 0.
func featureVectorizer(c *Call) ([]tensor.Value, error) {
	sizes := c.Node.Ints("inputdimensions")
	if len(sizes) != 0 && len(sizes) != len(c.Inputs) {
		return nil, fmt.Errorf("%d inputdimensions for %d inputs", len(sizes), len(c.Inputs))
	}
	parts, rows, cols := make([]matrix, len(c.Inputs)), 0, 0
	widths := make([]int, len(parts))
	for i := range parts {
		x, err := examples(c.Tensor(i))
		if err != nil {
			return nil, err
		}
		if i > 0 && x.rows != rows {
			return nil, fmt.Errorf("input %d has %d examples, but those before it %d", i, x.rows, rows)
		}
		parts[i], rows, widths[i] = x, x.rows, x.cols
		if len(sizes) > 0 {
			widths[i] = tensor.Extent(sizes[i])
		}
		if widths[i] < 0 || cols > math.MaxInt-widths[i] {
			return nil, fmt.Errorf("inputdimensions %v cannot be added up", sizes)
		}
		cols += widths[i]
	}
	y, err := newMatrix(rows, cols)
	if err != nil {
		return nil, err
	}
	for r := range rows {
		for i, at := 0, 0; i < len(parts); i++ {
			copy(y.row(r)[at:at+widths[i]], parts[i].row(r))
			at += widths[i]
		}
	}
	return one(y.tensor(tensor.Float32))
}

// arrayFeatureExtractor takes the given features of every example, the features
// being the last axis. A list of features is one example.
func arrayFeatureExtractor(c *Call) ([]tensor.Value, error) {
	x := c.Tensor(0)
	if x.Rank() == 0 {
		return nil, fmt.Errorf("a scalar has no features")
	}
	indexes := make([]int, 0, c.Tensor(1).Len())
	for _, k := range c.Ints(1) {
		if k < 0 || k >= int64(features(x)) {
			return nil, fmt.Errorf("feature %d is outside [0, %d)", k, features(x))
		}
		indexes = append(indexes, int(k))
	}
	if len(indexes) == 0 {
		return nil, fmt.Errorf("no features are asked for")
	}
	y := take(x, x.Rank()-1, indexes)
	if x.Rank() == 1 {
		return reshapeAs(y, tensor.Shape{1, len(indexes)})
	}
	return one(y)
}
