package onnxtest_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/onnx/onnxtest"
)

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

func floats(values ...float64) *tensor.Tensor { return tensor.Of(values) }

func list(items ...tensor.Value) *tensor.Sequence { return &tensor.Sequence{Items: items} }

func byKey(values tensor.Value, keys ...int64) *tensor.Map {
	return &tensor.Map{Keys: tensor.Of(keys), Values: values}
}

// With rtol 1e-3 and atol 1e-2 a result may be 0.01 + 0.001 × |want| away.
func TestCompare(t *testing.T) {
	some := &tensor.Optional{Item: floats(1)}
	none := &tensor.Optional{}
	tests := map[string]struct {
		got, want tensor.Value
		reason    string // "" where they agree
	}{
		"equal":            {floats(1, -2), floats(1, -2), ""},
		"within":           {floats(100.1, -100.1), floats(100, -100), ""},
		"just outside":     {floats(5, 100.12, 7), floats(5, 100, 8), "2 of 3 elements differ, first at [1]: got 100.12, want 100"},
		"bound is of want": {floats(0.0099), floats(0), ""},
		"zero":             {floats(0.0101), floats(0), "got 0.0101, want 0"},
		"NaN":              {floats(nan), floats(nan), ""},
		"NaN got":          {floats(nan), floats(1), "got NaN, want 1"},
		"NaN wanted":       {floats(1), floats(nan), "got 1, want NaN"},
		"infinities":       {floats(inf, -inf), floats(inf, -inf), ""},
		"infinity's sign":  {floats(inf), floats(-inf), "got +Inf, want -Inf"},
		"infinity got":     {floats(inf), floats(1e300), "got +Inf"},
		"infinity wanted":  {floats(1e300), floats(inf), "want +Inf"},
		"shape":            {tensor.Of([]float64{1, 2}, 2, 1), floats(1, 2), "got float64[2,1], want float64[2]"},
		"element type":     {tensor.Of([]float32{1}), floats(1), "got float32[1], want float64[1]"},
		"index":            {tensor.Of([]float64{1, 1, 1, 2}, 2, 2), tensor.Of([]float64{1, 1, 1, 1}, 2, 2), "first at [1,1]"},
		"nothing":          {floats(), floats(), ""},
		"scalars":          {tensor.Scalar(1.5), tensor.Scalar(2.5), "1 of 1 elements differ, first at []"},
		"half":             {tensor.Of([]tensor.F16{tensor.NewF16(2)}), tensor.Of([]tensor.F16{tensor.NewF16(3)}), "got 2, want 3"},

		"strings":           {tensor.Of([]string{"a", "b"}), tensor.Of([]string{"a", "b"}), ""},
		"unequal strings":   {tensor.Of([]string{"a", "b"}), tensor.Of([]string{"a", "c"}), `first at [1]: got "b", want "c"`},
		"booleans":          {tensor.Of([]bool{true}), tensor.Of([]bool{false}), "got 1, want 0"},
		"integers":          {tensor.Of([]int64{1001}), tensor.Of([]int64{1000}), ""},
		"unequal integers":  {tensor.Of([]int64{1002}), tensor.Of([]int64{1000}), "got 1002, want 1000"},
		"opposite integers": {tensor.Of([]int64{math.MinInt64}), tensor.Of([]int64{math.MaxInt64}), "differ"},
		"unsigned":          {tensor.Of([]uint64{0}), tensor.Of([]uint64{math.MaxUint64}), "want 18446744073709551615"},
		"complex":           {tensor.Of([]complex64{3 + 4i}), tensor.Of([]complex64{3 + 4.01i}), ""},
		"unequal complex":   {tensor.Of([]complex128{3 + 4i}), tensor.Of([]complex128{3 - 4i}), "got (3+4i), want (3-4i)"},

		"no value":         {nil, floats(1), "got no value, want float64[1]"},
		"no tensor":        {list(), floats(1), "got sequence"},
		"no sequence":      {floats(1), list(), "got float64[1], want sequence"},
		"sequences":        {list(floats(1), floats(2, 3)), list(floats(1), floats(2, 3)), ""},
		"unequal sequence": {list(floats(1), floats(2, 9)), list(floats(1), floats(2, 3)), "element 1 of the sequence: float64[2]: 1 of 2 elements differ, first at [1]"},
		"sequence's size":  {list(), list(floats(1)), "got a sequence of 0 values, want 1"},
		"optionals":        {some, some, ""},
		"absent":           {none, none, ""},
		"unequal optional": {some, &tensor.Optional{Item: floats(2)}, "got 1, want 2"},
		"absent got":       {none, some, "got an optional with no value, want float64[1]"},
		"present got":      {some, none, "got an optional with float64[1], want no value"},
		"no optional":      {floats(1), some, "got float64[1], want optional"},
		"maps":             {byKey(floats(1, 2), 5, 6), byKey(floats(2, 1), 6, 5), ""},
		"unequal map":      {byKey(floats(1, 2), 5, 6), byKey(floats(1, 3), 5, 6), "value of key 6"},
		"map's keys":       {byKey(floats(1, 2), 5, 6), byKey(floats(1, 2), 5, 7), "the map has no key 7"},
		"map's size":       {byKey(floats(1), 5), byKey(floats(1, 2), 5, 6), "got a map of 1 int64 keys, want 2 int64 keys"},
		"map's key type":   {&tensor.Map{Keys: tensor.Of([]string{"a"}), Values: floats(1)}, byKey(floats(1), 5), "1 string keys"},
		"map of lists":     {byKey(list(floats(1)), 5), byKey(list(floats(1)), 5), ""},
	}
	for name, c := range tests {
		err := onnxtest.Compare(c.got, c.want, 1e-3, 1e-2)
		if c.reason == "" {
			assert.NoError(t, err, name)
		} else {
			assert.ErrorContains(t, err, c.reason, name)
		}
	}
}

// With 1e-2 a result may be a hundredth of the largest finite expected
// magnitude away.
func TestCompareScaled(t *testing.T) {
	tests := map[string]struct {
		got, want tensor.Value
		reason    string
	}{
		"small beside large": {floats(2, 0), floats(1, -100), "1 of 2 elements differ, first at [1]"},
		"within":             {floats(2, -99), floats(1, -100), ""},
		"outside":            {floats(1, -98), floats(1, -100), "1 of 2 elements differ, first at [1]: got -98, want -100"},
		"infinite scale":     {floats(inf, 1.1), floats(inf, 1), "first at [1]"},
		"NaN is no scale":    {floats(nan, 1.1), floats(nan, 1), "first at [1]"},
		"all zero":           {floats(1e-5), floats(0), ""},
		"all zero, outside":  {floats(1.1e-5), floats(0), "got 1.1e-05, want 0"},
		"integers":           {tensor.Of([]int32{1001}), tensor.Of([]int32{1000}), "got 1001, want 1000"},
		"booleans":           {tensor.Of([]bool{true}), tensor.Of([]bool{true}), ""},
		"strings":            {tensor.Of([]string{"a"}), tensor.Of([]string{"b"}), `got "a", want "b"`},
		"complex":            {tensor.Of([]complex64{1, 100i}), tensor.Of([]complex64{2, 100i}), ""},
		"each of a list":     {list(floats(2), floats(100)), list(floats(1), floats(100)), "element 0 of the sequence"},
	}
	for name, c := range tests {
		err := onnxtest.CompareScaled(c.got, c.want, 1e-2)
		if c.reason == "" {
			assert.NoError(t, err, name)
		} else {
			assert.ErrorContains(t, err, c.reason, name)
		}
	}
}
