package reference

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/midplane/adapter/tensor"
)

// einsum sums, for each index of the output, over all indexes that it does not
// have, the products of the operands' elements. Integers wrap.
func einsum(c *Call) ([]tensor.Value, error) {
	shapes := make([]tensor.Shape, len(c.Inputs))
	for i := range c.Inputs {
		shapes[i] = c.Tensor(i).Shape()
	}
	s, err := summationOf(c.Node.Text("equation", ""), shapes)
	if err != nil {
		return nil, err
	}
	d := c.Tensor(0).DType()
	if d.IsFloat() {
		return one(tensor.FromFloat64s(d, s.out, contract(c, s, inputs(c, (*tensor.Tensor).Float64s))))
	}
	return one(tensor.FromInt64s(d, s.out, contract(c, s, inputs(c, (*tensor.Tensor).Int64s))))
}

// inputs returns the elements of every input.
func inputs[T any](c *Call, elements func(*tensor.Tensor) []T) [][]T {
	lists := make([][]T, len(c.Inputs))
	for i := range lists {
		lists[i] = elements(c.Tensor(i))
	}
	return lists
}

// summation is an Einsum whose labels have become axes: first those of the
// output, then those summed over.
type summation struct {
	out, summed tensor.Shape // summed begins with an axis of extent 1 that no operand has
	steps       [][]int      // per operand: how far apart its elements lie along each axis
}

// contract computes a summation. The last axis summed over is the innermost
// loop.
func contract[T int64 | float64](c *Call, s summation, operands [][]T) []T {
	y := make([]T, 0, s.out.Size())
	last := len(s.summed) - 1
	starts, from := make([]int, len(operands)), make([]int, len(operands))
	walk(s.out, func(at []int) {
		clear(starts)
		s.advance(starts, at, 0)
		var total T
		walk(s.summed[:last], func(at []int) {
			c.checkpoint()
			copy(from, starts)
			s.advance(from, at, len(s.out))
			for range s.summed[last] {
				product := T(1)
				for i, v := range operands {
					product *= v[from[i]]
					from[i] += s.steps[i][len(s.steps[i])-1]
				}
				total += product
			}
		})
		y = append(y, total)
	})
	return y
}

// advance moves each operand's position by an index along the axes from first
// on.
func (s summation) advance(positions, at []int, first int) {
	for i := range positions {
		for axis, k := range at {
			positions[i] += k * s.steps[i][first+axis]
		}
	}
}

// ellipsis stands in a list of labels for the axes of "...", label −k for the
// k-th of them from the right; letters label the others.
const ellipsis = rune(0)

// unlabelled is the axis that no operand has.
const unlabelled = '#'

// summationOf reads an equation for operands of the given shapes.
func summationOf(equation string, shapes []tensor.Shape) (summation, error) {
	ranks := mapped(shapes, func(s tensor.Shape) int { return len(s) })
	terms, output, err := EinsumLabels(equation, ranks)
	if err != nil {
		return summation{}, err
	}
	extents := make(map[rune]int)
	for i, term := range terms {
		for axis, label := range term {
			n, known := extents[label]
			if m := shapes[i][axis]; !known || n == 1 {
				extents[label] = m
			} else if m != n && m != 1 {
				return summation{}, fmt.Errorf("equation %q: extents %d and %d of one label disagree", equation, n, m)
			}
		}
	}
	return arrange(terms, output, shapes, extents)
}

// EinsumLabels reads the equation of an Einsum of operands of the given ranks.
// It returns a label for each axis of each operand and of the output: a letter,
// or −k for the k-th axis from the right that an ellipsis stands for.
func EinsumLabels(equation string, ranks []int) (terms [][]rune, output []rune, err error) {
	terms, output, explicit, err := parseEquation(equation)
	if err != nil {
		return nil, nil, fmt.Errorf("equation %q: %w", equation, err)
	}
	if len(terms) != len(ranks) {
		return nil, nil, fmt.Errorf("equation %q has %d terms for %d operands", equation, len(terms), len(ranks))
	}
	broadcast := 0 // axes that an ellipsis stands for
	for i, term := range terms {
		if terms[i], err = labelAxes(term, ranks[i]); err != nil {
			return nil, nil, fmt.Errorf("equation %q, operand %d: %w", equation, i, err)
		}
		if slices.Contains(term, ellipsis) {
			broadcast = max(broadcast, ranks[i]-(len(term)-1))
		}
	}
	if !explicit {
		output = implicitOutput(terms)
	}
	rank := len(output)
	if slices.Contains(output, ellipsis) {
		rank += broadcast - 1
	}
	if output, err = labelAxes(output, rank); err != nil {
		return nil, nil, fmt.Errorf("equation %q, output: %w", equation, err)
	}
	for i, label := range output {
		if slices.Index(output, label) != i || !slices.ContainsFunc(terms, func(term []rune) bool { return slices.Contains(term, label) }) {
			return nil, nil, fmt.Errorf("equation %q: label %q of the output must be in a term, and only once in the output", equation, label)
		}
	}
	return terms, output, nil
}

// arrange orders the axes of a summation and finds the operands' steps.
func arrange(terms [][]rune, output []rune, shapes []tensor.Shape, extents map[rune]int) (summation, error) {
	s := summation{summed: tensor.Shape{1}}
	axes := append(slices.Clone(output), unlabelled)
	for _, label := range output {
		s.out = append(s.out, extents[label])
	}
	for _, label := range slices.Sorted(maps.Keys(extents)) {
		if !slices.Contains(output, label) {
			axes = append(axes, label)
			s.summed = append(s.summed, extents[label])
		}
	}
	for i, term := range terms {
		strides := shapes[i].Strides()
		steps := make([]int, len(axes))
		for axis, label := range term {
			if shapes[i][axis] != 1 {
				steps[slices.Index(axes, label)] += strides[axis]
			}
		}
		s.steps = append(s.steps, steps)
	}
	_, err := countOf(s.out)
	return s, err
}

// parseEquation splits an equation into the labels of its terms and of its
// output, which is explicit if there is an arrow. Spaces say nothing.
func parseEquation(equation string) (terms [][]rune, output []rune, explicit bool, err error) {
	left, right, explicit := strings.Cut(strings.ReplaceAll(equation, " ", ""), "->")
	for _, text := range strings.Split(left, ",") {
		term, err := parseLabels(text)
		if err != nil {
			return nil, nil, false, err
		}
		terms = append(terms, term)
	}
	output, err = parseLabels(right)
	return terms, output, explicit, err
}

func parseLabels(text string) ([]rune, error) {
	labels := []rune(strings.Replace(text, "...", string(ellipsis), 1))
	for _, r := range labels {
		if r != ellipsis && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') {
			return nil, fmt.Errorf("%q is no label; letters, one ellipsis in a term, commas and an arrow are allowed", r)
		}
	}
	return labels, nil
}

// labelAxes puts a label for each axis that it stands for in place of the
// ellipsis of a term of the given rank.
func labelAxes(term []rune, rank int) ([]rune, error) {
	at := slices.Index(term, ellipsis)
	if at < 0 {
		if len(term) != rank {
			return nil, fmt.Errorf("%d labels for %d axes", len(term), rank)
		}
		return term, nil
	}
	count := rank - (len(term) - 1)
	if count < 0 {
		return nil, fmt.Errorf("%d labels for %d axes", len(term)-1, rank)
	}
	labels := slices.Clone(term[:at])
	for k := count; k > 0; k-- {
		labels = append(labels, rune(-k))
	}
	return append(labels, term[at+1:]...), nil
}

// implicitOutput is the ellipsis, if there is one, and the labels that appear
// exactly once, in the order of their codes.
func implicitOutput(terms [][]rune) []rune {
	counts := make(map[rune]int)
	var output []rune
	for _, term := range terms {
		for _, label := range term {
			if counts[label]++; label < 0 && !slices.Contains(output, ellipsis) {
				output = append(output, ellipsis)
			}
		}
	}
	for _, label := range slices.Sorted(maps.Keys(counts)) {
		if label > 0 && counts[label] == 1 {
			output = append(output, label)
		}
	}
	return output
}
