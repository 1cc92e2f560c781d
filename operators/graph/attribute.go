package graph

import (
	"fmt"

	"example.com/midplane/adapter/tensor"
)

// Attribute is a named constant of a node. Value has one of the types of
// [AttributeValue]; Ref, in the body of a function, names the attribute of the
// call that stands here instead.
type Attribute struct {
	Name  string
	Value any
	Ref   string
	Doc   string
}

// AttributeValue lists what an attribute may hold.
type AttributeValue interface {
	int64 | float32 | string | *tensor.Tensor | *Graph | tensor.Type |
		[]int64 | []float32 | []string | []*tensor.Tensor | []*Graph | []tensor.Type
}

// Attr returns the attribute of a node under a name, and whether it is there
// with the type T. Whether types are what the operator's schema says is checked
// when a graph is loaded, so code behind that check may ignore the difference.
func Attr[T AttributeValue](n *Node, name string) (T, bool) {
	for _, a := range n.Attributes {
		if a.Name == name {
			v, ok := a.Value.(T)
			return v, ok
		}
	}
	var zero T
	return zero, false
}

// Has reports whether the node sets the attribute.
func (n *Node) Has(name string) bool {
	for _, a := range n.Attributes {
		if a.Name == name {
			return true
		}
	}
	return false
}

// Int returns an integer attribute, or def where it is not set.
func (n *Node) Int(name string, def int64) int64 { return attrOr(n, name, def) }

// Bool returns whether an integer attribute is not 0, or def where it is not set.
func (n *Node) Bool(name string, def bool) bool {
	if v, ok := Attr[int64](n, name); ok {
		return v != 0
	}
	return def
}

// DType returns the element type whose number an integer attribute is, or def
// where it is not set. A number out of range gives a type that is not valid.
func (n *Node) DType(name string, def tensor.DType) tensor.DType {
	const invalid = 255
	v := n.Int(name, int64(def))
	if v < 0 || v > invalid {
		return invalid
	}
	return tensor.DType(v)
}

// Float returns a float attribute, or def where it is not set.
func (n *Node) Float(name string, def float32) float32 { return attrOr(n, name, def) }

// Text returns a string attribute, or def where it is not set.
func (n *Node) Text(name, def string) string { return attrOr(n, name, def) }

// Ints returns a list of integers, nil where it is not set.
func (n *Node) Ints(name string) []int64 { return attrOr[[]int64](n, name, nil) }

// Floats returns a list of floats, nil where it is not set.
func (n *Node) Floats(name string) []float32 { return attrOr[[]float32](n, name, nil) }

// Texts returns a list of strings, nil where it is not set.
func (n *Node) Texts(name string) []string { return attrOr[[]string](n, name, nil) }

// Tensor returns a tensor attribute, nil where it is not set.
func (n *Node) Tensor(name string) *tensor.Tensor { return attrOr[*tensor.Tensor](n, name, nil) }

// Body returns a graph attribute, nil where it is not set.
func (n *Node) Body(name string) *Graph { return attrOr[*Graph](n, name, nil) }

func attrOr[T AttributeValue](n *Node, name string, def T) T {
	if v, ok := Attr[T](n, name); ok {
		return v
	}
	return def
}

// A makes an attribute.
func A[T AttributeValue](name string, v T) Attribute { return Attribute{Name: name, Value: v} }

// Set adds an attribute, or replaces the one of that name.
func (n *Node) Set(a Attribute) {
	for i := range n.Attributes {
		if n.Attributes[i].Name == a.Name {
			n.Attributes[i] = a
			return
		}
	}
	n.Attributes = append(n.Attributes, a)
}

// Without returns the node's attributes less those named.
func (n *Node) Without(names ...string) []Attribute {
	var kept []Attribute
next:
	for _, a := range n.Attributes {
		for _, name := range names {
			if a.Name == name {
				continue next
			}
		}
		kept = append(kept, a)
	}
	return kept
}

// String returns the attribute as "name=value"; tensors and graphs in short.
func (a Attribute) String() string {
	switch v := a.Value.(type) {
	case nil:
		return a.Name + "=@" + a.Ref
	case *Graph:
		return fmt.Sprintf("%s=graph(%d nodes)", a.Name, len(v.Nodes))
	case []*Graph:
		return fmt.Sprintf("%s=%d graphs", a.Name, len(v))
	case string:
		return fmt.Sprintf("%s=%q", a.Name, v)
	default:
		return fmt.Sprintf("%s=%v", a.Name, v)
	}
}
