package differential_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"example.com/midplane/operators"
	"example.com/midplane/operators/onnx"
	"example.com/midplane/operators/onnx/onnxtest"
)

// handWorked names the tests of package opset in which the expected values were
// worked out by hand from the text of a version, by test.
var handWorked = map[string]string{
	"TestAxisOfDFT":                  "DFT 17 20",
	"TestCastByName":                 "Cast 1",
	"TestClipAttributesBecomeInputs": "Clip 1 6",
	"TestDropoutForms":               "Dropout 1 6 7 10",
	"TestErfOfIntegers":              "Erf 9",
	"TestFirstFormsOfManyOperands":   "Max 1, Min 1, Sum 1, Mean 1, PRelu 1",
	"TestFirstFormsOfOneOperand": "Abs 1, Ceil 1, Elu 1, Exp 1, Floor 1, HardSigmoid 1, LeakyRelu 1, Log 1, Neg 1, " +
		"Reciprocal 1, Relu 1, Sigmoid 1, Sqrt 1, Tanh 1",
	"TestFirstFormsOfTwoOperands": "Add 1 6, Sub 1 6, Mul 1 6, Div 1 6, Pow 1, Equal 1, Greater 1, Less 1, And 1, Or 1, Xor 1",
	"TestLabelEncoderByIndex":     "ai.onnx.ml.LabelEncoder 1",
	"TestLegacyBroadcast":         "Add 6",
	"TestOldForms": "Reshape 1, Squeeze 1 11, Unsqueeze 11, Tile 1, Slice 1, Concat 1, Split 1 2 13, Pad 1 2, Scatter 9, " +
		"OneHot 9, TopK 1 10, ReduceSum 11, ReduceMax 1, ReduceMean 13, ReduceL1 13, Softmax 1 11 13, Hardmax 11",
	"TestOldNormalizations":          "BatchNormalization 1 6 7 9, InstanceNormalization 1, GroupNormalization 18",
	"TestOldPools":                   "LpPool 1, GlobalLpPool 1",
	"TestOldProductsAndConvolutions": "Gemm 1 6, ConvTranspose 1",
	"TestOldResizes":                 "Upsample 1 7 9, Resize 10 11, GridSample 16, RoiAlign 10",
	"TestOutputSequence":             "LSTM 1, RNN 1",
	"TestPReluSlopePerChannel":       "PRelu 6 7",
	"TestRecurrentAttributes":        "GRU 1 3 7 14",
	"TestScanOfABatch":               "Scan 8",
	"TestSeluHasItsOldCoefficients":  "Selu 1",
}

// handWorkedOf returns the hand-worked tests by version.
func handWorkedOf(t *testing.T) map[string][]string {
	files, err := filepath.Glob("../../../operators/opset/*_test.go")
	require.NoError(t, err)
	var source strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		require.NoError(t, err)
		source.Write(b)
	}
	tests := make(map[string][]string)
	for _, name := range slices.Sorted(maps.Keys(handWorked)) {
		require.Contains(t, source.String(), "func "+name+"(t *testing.T)")
		for _, of := range strings.Split(handWorked[name], ",") {
			operator, versions, _ := strings.Cut(strings.TrimSpace(of), " ")
			for _, v := range strings.Fields(versions) {
				tests[operator+" "+v] = append(tests[operator+" "+v], name)
			}
		}
	}
	return tests
}

// officialOf counts, by version of an operator, the official cases that use it.
// Package reference computes all of them.
func officialOf(t *testing.T) map[string]int {
	dir, ok := onnxtest.Dir()
	require.True(t, ok, "the page counts official cases: set %s", onnxtest.Testdata)
	count := make(map[string]int)
	for _, suite := range []string{"node", "simple", "pytorch-operator", "pytorch-converted"} {
		cases, err := onnxtest.Cases(filepath.Join(dir, suite))
		require.NoError(t, err)
		for _, c := range cases {
			for version := range versionsIn(t, c.ModelPath) {
				count[version]++
			}
		}
	}
	return count
}

// versionsIn returns the versions of operators that a model uses.
func versionsIn(t *testing.T, path string) map[string]bool {
	f, err := onnx.Load(path, nil)
	require.NoError(t, err)
	defer f.Close()
	used := make(map[string]bool)
	for n := range f.Model.Graph.All {
		if s, ok := operators.Lookup(n.Domain, n.Op, f.Model.Opsets[n.Domain]); ok {
			used[versionOf(s)] = true
		}
	}
	return used
}

// evidence is what speaks for one version of an operator.
type evidence struct {
	schema   *operators.Schema
	equal    int      // draws that ONNX Runtime computes likewise
	official int      // cases
	tests    []string // hand-worked
	lifted   bool     // the lift changes some nodes
	like     string   // a version that is the same to the reference, and has evidence
}

func (e *evidence) own() bool { return e.equal > 0 || e.official > 0 || len(e.tests) > 0 }

// String says what speaks for the version, for people.
func (e *evidence) String() string {
	var parts []string
	if e.equal > 0 {
		parts = append(parts, fmt.Sprintf("ONNX Runtime (%d draws)", e.equal))
	}
	if e.official > 0 {
		parts = append(parts, fmt.Sprintf("official (%d cases)", e.official))
	}
	for _, name := range e.tests {
		parts = append(parts, "`"+name+"`")
	}
	if len(parts) == 0 && e.like != "" {
		parts = append(parts, "none of its own; to the reference it is version "+e.like)
	}
	if len(parts) == 0 {
		return "**none**"
	}
	return strings.Join(parts, ", ")
}

// evidenceOf gathers the evidence for every version of the catalogue.
func (r *run) evidenceOf(t *testing.T) []*evidence {
	official, tests := officialOf(t), handWorkedOf(t)
	var list []*evidence
	for s := range operators.All() {
		if superseded(s) {
			continue
		}
		e := &evidence{schema: s, official: official[versionOf(s)], tests: tests[versionOf(s)]}
		if c, ok := r.tallies[versionOf(s)]; ok {
			e.equal, e.lifted = c.equal, c.lifted
		}
		list = append(list, e)
	}
	alike(list)
	return list
}

// alike finds, for each version without evidence of its own, one that has some
// and that the lift does not tell from it: no version between the two, nor the
// older one, is changed by it.
func alike(list []*evidence) {
	same := func(older, newer *evidence) bool {
		return older.schema.Operator() == newer.schema.Operator() && !older.lifted
	}
	for i, e := range list {
		if e.own() {
			continue
		}
		for k := i + 1; k < len(list) && e.like == "" && same(list[k-1], list[k]); k++ {
			e.adopt(list[k])
		}
		for k := i - 1; k >= 0 && e.like == "" && same(list[k], list[k+1]); k-- {
			e.adopt(list[k])
		}
	}
}

func (e *evidence) adopt(other *evidence) {
	if other.own() {
		e.like = fmt.Sprint(other.schema.Since)
	}
}
