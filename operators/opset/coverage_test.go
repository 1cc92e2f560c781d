package opset

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"example.com/midplane/operators"
)

// unchanged lists the versions of operators that mean for every node of the
// version before what that one meant: they allow more types, attributes whose
// default is the old meaning, optional inputs, negative axes or broadcasting, or
// are worded better.
var unchanged = map[string][]int{
	"Abs":                               {13},
	"Acos":                              {22},
	"Acosh":                             {22},
	"Add":                               {13, 14},
	"ArgMax":                            {11, 12, 13},
	"ArgMin":                            {11, 12, 13},
	"Asin":                              {22},
	"Asinh":                             {22},
	"Atan":                              {22},
	"Atanh":                             {22},
	"Attention":                         {25},
	"AveragePool":                       {7, 10, 11, 19, 22},
	"BatchNormalization":                {15},
	"Bernoulli":                         {22},
	"Cast":                              {9, 13, 19, 21, 23, 24, 25},
	"CastLike":                          {19, 21, 23, 24, 25},
	"Ceil":                              {13},
	"Celu":                              {28},
	"Clip":                              {12, 13},
	"Compress":                          {11},
	"Concat":                            {11, 13},
	"Constant":                          {9, 11, 12, 13, 19, 21, 23, 24, 25},
	"ConstantOfShape":                   {20, 21, 23, 24, 25},
	"Conv":                              {11, 22},
	"ConvTranspose":                     {22},
	"Cos":                               {22},
	"Cosh":                              {22},
	"CumSum":                            {14},
	"DeformConv":                        {22},
	"DepthToSpace":                      {11, 13},
	"DequantizeLinear":                  {13, 19, 21, 23, 24, 25},
	"Det":                               {22},
	"Div":                               {13, 14},
	"Dropout":                           {13, 22},
	"Elu":                               {22},
	"Equal":                             {11, 13, 19},
	"Exp":                               {13},
	"Expand":                            {13},
	"EyeLike":                           {22},
	"Flatten":                           {9, 11, 13, 21, 23, 24, 25},
	"Floor":                             {13},
	"GRU":                               {14, 22},
	"Gather":                            {11, 13},
	"GatherElements":                    {13},
	"GatherND":                          {12, 13},
	"Gemm":                              {6, 9, 11, 13},
	"GlobalAveragePool":                 {22},
	"GlobalLpPool":                      {22},
	"GlobalMaxPool":                     {22},
	"Greater":                           {9, 13},
	"GreaterOrEqual":                    {16},
	"GridSample":                        {22},
	"HardSigmoid":                       {22},
	"HardSwish":                         {22},
	"Hardmax":                           {11},
	"Identity":                          {13, 14, 16, 19, 21, 23, 24, 25},
	"If":                                {11, 13, 16, 19, 21, 23, 24, 25},
	"InstanceNormalization":             {22},
	"IsInf":                             {20},
	"IsNaN":                             {13, 20},
	"LRN":                               {13},
	"LSTM":                              {14, 22},
	"LeakyRelu":                         {16},
	"Less":                              {9, 13},
	"LessOrEqual":                       {16},
	"Log":                               {13},
	"LogSoftmax":                        {11},
	"Loop":                              {11, 13, 16, 19, 21, 23, 24, 25},
	"LpNormalization":                   {22},
	"LpPool":                            {11, 18, 22},
	"MatMul":                            {9, 13},
	"Max":                               {8, 12, 13},
	"MaxPool":                           {8, 10, 11, 12, 22},
	"MaxRoiPool":                        {22},
	"MaxUnpool":                         {11, 22},
	"Mean":                              {8, 13},
	"MeanVarianceNormalization":         {13},
	"Min":                               {8, 12, 13},
	"Mish":                              {22},
	"Mod":                               {13},
	"Mul":                               {13, 14},
	"Multinomial":                       {22},
	"Neg":                               {13},
	"NegativeLogLikelihoodLoss":         {13, 22},
	"NonMaxSuppression":                 {11},
	"NonZero":                           {13},
	"OptionalGetElement":                {18},
	"OptionalHasElement":                {18},
	"PRelu":                             {9, 16},
	"Pad":                               {13, 18, 19, 21, 23, 24, 25},
	"Pow":                               {12, 13, 15},
	"QLinearMatMul":                     {21},
	"QuantizeLinear":                    {13, 19, 21, 23, 24, 25},
	"RNN":                               {14, 22},
	"RandomNormal":                      {22},
	"RandomNormalLike":                  {22},
	"RandomUniform":                     {22},
	"RandomUniformLike":                 {22},
	"Range":                             {27},
	"Reciprocal":                        {13},
	"ReduceL1":                          {11, 13},
	"ReduceL2":                          {11, 13},
	"ReduceLogSum":                      {11, 13},
	"ReduceLogSumExp":                   {11, 13},
	"ReduceMax":                         {11, 12, 13, 20},
	"ReduceMean":                        {11, 13},
	"ReduceMin":                         {11, 12, 13, 20},
	"ReduceProd":                        {11, 13},
	"ReduceSum":                         {11},
	"ReduceSumSquare":                   {11, 13},
	"Relu":                              {13, 14},
	"Reshape":                           {13, 14, 19, 21, 23, 24, 25},
	"Resize":                            {18, 19},
	"RoiAlign":                          {22},
	"Round":                             {22},
	"Scan":                              {11, 16, 19, 21, 23, 24, 25},
	"ScatterElements":                   {13, 16, 18},
	"ScatterND":                         {13, 16, 18},
	"Selu":                              {22},
	"Shape":                             {13, 15, 19, 21, 23, 24, 25},
	"Sigmoid":                           {13},
	"Sign":                              {13},
	"Sin":                               {22},
	"Sinh":                              {22},
	"Size":                              {13, 19, 21, 23, 24, 25},
	"Slice":                             {11, 13},
	"Softmax":                           {11},
	"SoftmaxCrossEntropyLoss":           {13},
	"Softplus":                          {22},
	"Softsign":                          {22},
	"SpaceToDepth":                      {13},
	"Split":                             {11},
	"SplitToSequence":                   {24},
	"Sqrt":                              {13},
	"Squeeze":                           {11, 21, 23, 24, 25},
	"Sub":                               {13, 14},
	"Sum":                               {8, 13},
	"Tan":                               {22},
	"Tanh":                              {13},
	"ThresholdedRelu":                   {22},
	"Tile":                              {13},
	"TopK":                              {11, 24},
	"Transpose":                         {13, 21, 23, 24, 25},
	"Unsqueeze":                         {11, 21, 23, 24, 25},
	"Where":                             {16},
	"ai.onnx.ml.LabelEncoder":           {4},
	"ai.onnx.ml.TreeEnsembleClassifier": {3, 5},
	"ai.onnx.ml.TreeEnsembleRegressor":  {3, 5},
}

// together lists versions whose changes are lifted by the rule of a later one.
var together = map[string][]int{
	"BatchNormalization": {6, 7, 9},
	"Dropout":            {6, 7, 10},
}

// excused lists the versions among those unchanged whose schema differs in a way
// that looks as if it mattered, and why it does not.
var excused = map[string]string{
	"ai.onnx.ml.TreeEnsembleClassifier 5": "deprecated: version 3 is the newest form",
	"ai.onnx.ml.TreeEnsembleRegressor 5":  "deprecated: version 3 is the newest form",
}

// TestEveryOldVersionReachesTheNewest holds that between each version of an
// operator and the next there is a rule, or nothing to lift.
func TestEveryOldVersionReachesTheNewest(t *testing.T) {
	for s := range operators.All() {
		name := s.Operator()
		previous, ok := operators.Lookup(s.Domain, s.Name, s.Since-1)
		if !ok {
			continue
		}
		lifted := slices.ContainsFunc(rules(name), func(r Rule) bool {
			return r.Below == s.Since || r.Below > s.Since && slices.Contains(together[name], s.Since)
		})
		same := slices.Contains(unchanged[name], s.Since)
		step := fmt.Sprintf("%s %d", name, s.Since)
		assert.True(t, lifted || same, "%s: no rule lifts version %d, and the meaning is not listed as unchanged", step, previous.Since)
		assert.False(t, lifted && same, "%s: a rule lifts what is listed as unchanged", step)
		if _, ok := excused[step]; same && !ok {
			assert.NoError(t, narrower(previous, s), step)
		}
	}
}

// TestRulesAreOfVersionsThatExist holds that rules stand in ascending order, at
// versions that changed the operator, in the table of one family.
func TestRulesAreOfVersionsThatExist(t *testing.T) {
	owner := make(map[string]bool)
	for _, f := range families {
		for name, list := range f {
			assert.False(t, owner[name], "%s has rules in two families", name)
			owner[name] = true
			assert.True(t, slices.IsSortedFunc(list, func(a, b Rule) int { return a.Below - b.Below }), name)
			versions := versionsOf(name)
			for _, r := range list {
				assert.Contains(t, versions, r.Below, "%s has no such version", name)
			}
		}
	}
	for name, list := range unchanged {
		assert.Subset(t, versionsOf(name), list, name)
	}
}

// versionsOf returns the versions of an operator named with its domain.
func versionsOf(name string) []int {
	var versions []int
	for s := range operators.All() {
		if s.Operator() == name {
			versions = append(versions, s.Since)
		}
	}
	return versions
}

// narrower returns an error if a node that is valid under one version could be
// invalid under the next, or have other defaults.
func narrower(before, after *operators.Schema) error {
	if after.MinInputs > before.MinInputs || after.MaxInputs < before.MaxInputs ||
		after.MinOutputs > before.MinOutputs || after.MaxOutputs < before.MaxOutputs {
		return fmt.Errorf("it takes fewer inputs or outputs")
	}
	for i, p := range before.Inputs {
		for _, spelt := range allowedTypes(before, p.Type) {
			if !slices.Contains(allowedTypes(after, after.Inputs[i].Type), spelt) {
				return fmt.Errorf("input %d is not allowed to be %s any more", i, spelt)
			}
		}
	}
	for _, a := range before.Attributes {
		b, ok := after.Attribute(a.Name)
		switch {
		case !ok:
			return fmt.Errorf("attribute %s is gone", a.Name)
		case a.Type != b.Type || !assert.ObjectsAreEqual(a.Default, b.Default):
			return fmt.Errorf("attribute %s is another: %+v, %+v", a.Name, a, *b)
		}
	}
	for _, b := range after.Attributes {
		if a, ok := before.Attribute(b.Name); b.Required && (!ok || !a.Required) {
			return fmt.Errorf("attribute %s is required now", b.Name)
		}
	}
	return nil
}

func allowedTypes(s *operators.Schema, parameterType string) []string {
	for _, c := range s.Types {
		if c.Name == parameterType {
			return c.Types
		}
	}
	return []string{parameterType}
}
