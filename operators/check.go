package operators

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"example.com/midplane/adapter/tensor"
	"example.com/midplane/operators/graph"
)

// Check holds a node against the schema of its operator that is in force at
// n.Version: [CheckForm] and [CheckTypes]. Nodes of domains that are not in the
// catalogue pass, and so do a vendor's operators that nobody has registered.
// Errors say which rule is broken; the caller names the node.
func Check(n *graph.Node) error {
	if err := CheckForm(n); err != nil {
		return err
	}
	return CheckTypes(n)
}

// CheckForm checks what can be seen without types: how many inputs and outputs
// there are, that required ones are there, and that attributes are known, of the
// right type and complete. Attributes whose names begin with "__" are notes of
// tools and pass.
func CheckForm(n *graph.Node) error {
	s, err := describing(n)
	if s == nil {
		return err
	}
	if err := checkArity("input", n.Inputs, s.Inputs, s.MinInputs, s.MaxInputs); err != nil {
		return err
	}
	if err := checkArity("output", n.Outputs, s.Outputs, s.MinOutputs, s.MaxOutputs); err != nil {
		return err
	}
	return checkAttributes(n, s)
}

// CheckTypes checks the types of the inputs as far as they are known: each must
// be one that the schema allows, and those bound to one type variable agree.
func CheckTypes(n *graph.Node) error {
	s, err := describing(n)
	if s == nil {
		return err
	}
	bound := make(map[string]int) // the input that fixed a type variable
	for i, v := range n.Inputs {
		if v == nil {
			continue
		}
		spelt, known := spell(v.Type)
		p, ok := s.Input(i)
		if !known || !ok {
			continue
		}
		if allowed := s.Allowed(p.Type); !slices.Contains(allowed, spelt) {
			return fmt.Errorf("input %d (%s) is %s; allowed are %s", i, p.Name, spelt, strings.Join(allowed, ", "))
		}
		if p.Heterogeneous {
			continue
		}
		first, fixed := bound[p.Type]
		if !fixed {
			bound[p.Type] = i
			continue
		}
		if other, _ := spell(n.Inputs[first].Type); other != spelt {
			return fmt.Errorf("input %d (%s) is %s and input %d is %s; both must be of one type %s", i, p.Name, spelt, first, other, p.Type)
		}
	}
	return nil
}

// describing returns the schema that n is held against, nil if there is none:
// the last description before the operator was deprecated.
func describing(n *graph.Node) (*Schema, error) {
	if NewestOpset(n.Domain) == 0 {
		return nil, nil
	}
	s, ok := Lookup(n.Domain, n.Op, n.Version)
	if !ok {
		if !Closed(n.Domain) && len(Versions(n.Domain, n.Op)) == 0 {
			return nil, nil
		}
		return nil, fmt.Errorf("there is no operator %s in version %d of its operator set", n.Operator(), n.Version)
	}
	if s.Deprecated {
		if s, ok = Lookup(n.Domain, n.Op, s.Since-1); !ok {
			return nil, nil
		}
	}
	return s, nil
}

// checkArity holds the inputs or outputs of a node against the formal ones. Those
// that are left out by name count where the operator asks for them, such as the
// condition of a Loop, and not beyond.
func checkArity(what string, actual []*graph.Value, formal []Parameter, low, high int) error {
	count := len(actual)
	for count > 0 && actual[count-1] == nil {
		count--
	}
	count = max(count, min(low, len(actual)))
	if count < low || count > high {
		return fmt.Errorf("the operator has %s, the node %d", quantity(low, high, what), count)
	}
	for i, v := range actual[:count] {
		if p, ok := parameter(formal, i); ok && v == nil && !p.Optional {
			return fmt.Errorf("%s %d (%s) is required and left out", what, i, p.Name)
		}
	}
	return nil
}

// quantity returns "2 to 3 inputs", "1 output", "at least 1 input".
func quantity(low, high int, what string) string {
	count := fmt.Sprintf("%d to %d", low, high)
	switch {
	case low == high:
		count = strconv.Itoa(low)
	case high == Unbounded:
		count, high = fmt.Sprintf("at least %d", low), low
	}
	if high != 1 {
		what += "s"
	}
	return count + " " + what
}

// parameter returns the formal parameter that the i-th actual one stands for.
func parameter(formal []Parameter, i int) (*Parameter, bool) {
	last := len(formal) - 1
	switch {
	case i <= last:
		return &formal[i], true
	case last >= 0 && formal[last].Variadic:
		return &formal[last], true
	}
	return nil, false
}

func checkAttributes(n *graph.Node, s *Schema) error {
	seen := make(map[string]bool, len(n.Attributes))
	for _, a := range n.Attributes {
		if seen[a.Name] {
			return fmt.Errorf("attribute %s is set twice", a.Name)
		}
		seen[a.Name] = true
		known, ok := s.Attribute(a.Name)
		switch {
		case a.Ref != "":
			return fmt.Errorf("attribute %s refers to attribute %s of a function, and the node is in none", a.Name, a.Ref)
		case !ok && strings.HasPrefix(a.Name, "__"):
			continue
		case !ok:
			return fmt.Errorf("%s has no attribute %s since version %d; it has %s", s.Name, a.Name, s.Since, s.attributeNames())
		case !known.Type.holds(a.Value):
			return fmt.Errorf("attribute %s holds %s; the operator's is of type %s", a, describe(a.Value), known.Type)
		case !namesType(a):
			return fmt.Errorf("attribute %s is the number of no element type", a)
		}
	}
	for _, known := range s.Attributes {
		if known.Required && !n.Has(known.Name) {
			return fmt.Errorf("attribute %s is required and not set", known.Name)
		}
	}
	return nil
}

// typeAttributes are the attributes that hold the number of an element type, or 0
// for none.
var typeAttributes = []string{"to", "dtype", "output_dtype", "output_datatype", "precision", "softmax_precision", "stash_type"}

// namesType reports whether an attribute that should hold the number of an element
// type does so.
func namesType(a graph.Attribute) bool {
	v, ok := a.Value.(int64)
	return !ok || v == 0 || !slices.Contains(typeAttributes, a.Name) || v > 0 && v <= math.MaxUint8 && tensor.DType(v).Valid()
}

// holds reports whether a value, as in [graph.Attribute], is of type t. Sparse
// tensors are kept as dense ones.
func (t AttributeType) holds(value any) bool {
	actual, ok := attributeTypeOf(value)
	switch t {
	case SparseAttribute:
		return actual == TensorAttribute
	case SparsesAttribute:
		return actual == TensorsAttribute
	}
	return ok && actual == t
}

func attributeTypeOf(value any) (AttributeType, bool) {
	switch value.(type) {
	case float32:
		return FloatAttribute, true
	case int64:
		return IntAttribute, true
	case string:
		return StringAttribute, true
	case *tensor.Tensor:
		return TensorAttribute, true
	case *graph.Graph:
		return GraphAttribute, true
	case []float32:
		return FloatsAttribute, true
	case []int64:
		return IntsAttribute, true
	case []string:
		return StringsAttribute, true
	case []*tensor.Tensor:
		return TensorsAttribute, true
	case []*graph.Graph:
		return GraphsAttribute, true
	case tensor.Type:
		return TypeAttribute, true
	case []tensor.Type:
		return TypesAttribute, true
	}
	return 0, false
}

// describe names the type of an attribute's value for people.
func describe(value any) string {
	if t, ok := attributeTypeOf(value); ok {
		return t.String()
	}
	return fmt.Sprintf("%T", value)
}

func (s *Schema) attributeNames() string {
	if len(s.Attributes) == 0 {
		return "none"
	}
	names := make([]string, len(s.Attributes))
	for i, a := range s.Attributes {
		names[i] = a.Name
	}
	return strings.Join(names, ", ")
}

// Allowed returns the types that a parameter's type, a variable or a type
// itself, stands for.
func (s *Schema) Allowed(parameterType string) []string {
	for _, c := range s.Types {
		if c.Name == parameterType {
			return c.Types
		}
	}
	return []string{parameterType}
}

// Elements returns the element types of the dense tensors that a parameter's
// type, a variable or a type itself, stands for.
func (s *Schema) Elements(parameterType string) []tensor.DType {
	var types []tensor.DType
	for _, name := range s.Allowed(parameterType) {
		name, dense := strings.CutPrefix(name, "tensor(")
		if d, err := tensor.ParseDType(strings.TrimSuffix(name, ")")); dense && err == nil {
			types = append(types, d)
		}
	}
	return types
}

// spell returns a type as ONNX's schemas spell it, and whether it is known far
// enough for that.
func spell(t tensor.Type) (string, bool) {
	dtype, elem := t.DType.ONNXName(), ""
	elemKnown := false
	if t.Elem != nil {
		elem, elemKnown = spell(*t.Elem)
	}
	switch t.Kind {
	case tensor.KindTensor:
		return "tensor(" + dtype + ")", t.DType.Valid()
	case tensor.KindSparse:
		return "sparse_tensor(" + dtype + ")", t.DType.Valid()
	case tensor.KindSequence:
		return "seq(" + elem + ")", elemKnown
	case tensor.KindOptional:
		return "optional(" + elem + ")", elemKnown
	case tensor.KindMap: // its values are scalars
		elem = strings.TrimSuffix(strings.TrimPrefix(elem, "tensor("), ")")
		return "map(" + dtype + ", " + elem + ")", t.DType.Valid() && elemKnown
	}
	return "", false
}
