package reference

import (
	"fmt"
	"math"
	"strings"

	"example.com/midplane/operators/graph"
)

// recurrentActivation is an activation that RNN, GRU and LSTM know by name. The
// names are compared without regard to case.
type recurrentActivation struct {
	name                  string
	alpha, beta           float32 // the defaults, those of the operator of that name
	takesAlpha, takesBeta bool
	f                     func(x, alpha, beta float64) float64
}

var recurrentActivationTable = []recurrentActivation{
	{name: "Relu", f: func(x, _, _ float64) float64 { return math.Max(0, x) }},
	{name: "Tanh", f: func(x, _, _ float64) float64 { return math.Tanh(x) }},
	{name: "Sigmoid", f: func(x, _, _ float64) float64 { return 1 / (1 + math.Exp(-x)) }},
	{name: "Affine", alpha: 1, takesAlpha: true, takesBeta: true,
		f: func(x, alpha, beta float64) float64 { return alpha*x + beta }},
	{name: "LeakyRelu", alpha: 0.01, takesAlpha: true,
		f: func(x, alpha, _ float64) float64 {
			if x < 0 {
				return alpha * x
			}
			return x
		}},
	{name: "ThresholdedRelu", alpha: 1, takesAlpha: true,
		f: func(x, alpha, _ float64) float64 {
			if x < alpha {
				return 0
			}
			return x
		}},
	{name: "ScaledTanh", alpha: 1, beta: 1, takesAlpha: true, takesBeta: true,
		f: func(x, alpha, beta float64) float64 { return alpha * math.Tanh(beta*x) }},
	{name: "HardSigmoid", alpha: 0.2, beta: 0.5, takesAlpha: true, takesBeta: true,
		f: func(x, alpha, beta float64) float64 { return math.Min(math.Max(alpha*x+beta, 0), 1) }},
	{name: "Elu", alpha: 1, takesAlpha: true,
		f: func(x, alpha, _ float64) float64 {
			if x < 0 {
				return alpha * math.Expm1(x)
			}
			return x
		}},
	{name: "Softsign", f: func(x, _, _ float64) float64 { return x / (1 + math.Abs(x)) }},
	{name: "Softplus", f: func(x, _, _ float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }},
}

// recurrentActivations returns the activations of every direction in turn, with
// their alpha, beta and the clip of their inputs bound. Only activations that
// take an alpha (or beta) use up a value of the attribute; where the values run
// out, the defaults hold.
func recurrentActivations(n *graph.Node, directions int, defaults []string) ([]func(float64) float64, error) {
	names := n.Texts("activations")
	need := directions * len(defaults)
	if len(names) == 0 {
		for range directions {
			names = append(names, defaults...)
		}
	}
	if len(names) < need {
		return nil, fmt.Errorf("activations names %d functions %q, %d are needed", len(names), names, need)
	}
	alphas, betas := n.Floats("activation_alpha"), n.Floats("activation_beta")
	limit := math.Inf(1)
	if n.Has("clip") {
		limit = float64(n.Float("clip", 0))
	}
	take := func(from *[]float32, takes bool, value float32) float64 {
		if takes && len(*from) > 0 {
			value = (*from)[0]
			*from = (*from)[1:]
		}
		return float64(value)
	}
	acts := make([]func(float64) float64, need)
	for i, name := range names[:need] {
		a, err := findRecurrentActivation(name)
		if err != nil {
			return nil, err
		}
		alpha, beta := take(&alphas, a.takesAlpha, a.alpha), take(&betas, a.takesBeta, a.beta)
		acts[i] = func(x float64) float64 {
			return a.f(math.Min(math.Max(x, -limit), limit), alpha, beta)
		}
	}
	return acts, nil
}

func findRecurrentActivation(name string) (recurrentActivation, error) {
	for _, a := range recurrentActivationTable {
		if strings.EqualFold(a.name, name) {
			return a, nil
		}
	}
	return recurrentActivation{}, fmt.Errorf("activation %q is none that a recurrent operator knows", name)
}
