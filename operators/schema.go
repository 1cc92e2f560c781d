package operators

import (
	"fmt"
	"iter"
	"math"
	"sort"

	"example.com/midplane/operators/graph"
)

// Schema describes one version of an operator. The catalogue of them,
// schemas_gen.go, is written by
//
//	go run ./operators/internal/schemagen SCHEMAS.json operators/schemas_gen.go
type Schema struct {
	Domain     string // "" is ai.onnx
	Name       string
	Since      int  // the operator-set version that brought it
	Deprecated bool // from Since on the operator is not to be used any more
	Function   bool // ONNX defines it by a function of other operators
	Random     bool // a vendor's operator that draws random values: never computed ahead

	Inputs, Outputs        []Parameter
	MinInputs, MaxInputs   int // Unbounded where the last one is variadic
	MinOutputs, MaxOutputs int

	Attributes []AttributeSchema // by name
	Types      []Constraint      // the type variables
}

// Unbounded is the greatest number of inputs or outputs where there is none.
const Unbounded = math.MaxInt32

// Parameter is a formal input or output.
type Parameter struct {
	Name           string
	Type           string // a type variable, or a type such as "tensor(int64)"
	Optional       bool   // may be absent
	Variadic       bool   // stands for any number of actual ones; always the last
	Heterogeneous  bool   // the actual ones of a variadic parameter may differ in type
	Differentiable bool
}

// Constraint lists the types that a type variable may take, spelt as in ONNX:
// "tensor(float)", "seq(tensor(int64))".
type Constraint struct {
	Name  string
	Types []string
}

// AttributeSchema describes one attribute.
type AttributeSchema struct {
	Name     string
	Type     AttributeType
	Required bool
	Default  any // as in [graph.Attribute]; nil where there is none
}

// AttributeType is the type of an attribute. The numbers are those of
// AttributeProto.AttributeType in the ONNX specification.
type AttributeType uint8

// The types of attributes.
const (
	FloatAttribute   AttributeType = 1
	IntAttribute     AttributeType = 2
	StringAttribute  AttributeType = 3
	TensorAttribute  AttributeType = 4
	GraphAttribute   AttributeType = 5
	FloatsAttribute  AttributeType = 6
	IntsAttribute    AttributeType = 7
	StringsAttribute AttributeType = 8
	TensorsAttribute AttributeType = 9
	GraphsAttribute  AttributeType = 10
	SparseAttribute  AttributeType = 11
	SparsesAttribute AttributeType = 12
	TypeAttribute    AttributeType = 13
	TypesAttribute   AttributeType = 14
)

var attributeTypes = [...]string{
	"undefined", "float", "int", "string", "tensor", "graph",
	"floats", "ints", "strings", "tensors", "graphs",
	"sparse tensor", "sparse tensors", "type", "types",
}

// String returns "int", "floats", "sparse tensor".
func (t AttributeType) String() string {
	if int(t) < len(attributeTypes) {
		return attributeTypes[t]
	}
	return fmt.Sprintf("attribute type %d", uint8(t))
}

// Operator returns the operator's name with its domain, as
// [graph.Node.Operator] does.
func (s *Schema) Operator() string {
	if s.Domain == "" {
		return s.Name
	}
	return s.Domain + "." + s.Name
}

// Attribute returns the schema of an attribute.
func (s *Schema) Attribute(name string) (*AttributeSchema, bool) {
	for i := range s.Attributes {
		if s.Attributes[i].Name == name {
			return &s.Attributes[i], true
		}
	}
	return nil, false
}

// Input returns the formal parameter of the i-th actual input.
func (s *Schema) Input(i int) (*Parameter, bool) { return parameter(s.Inputs, i) }

// Output returns the formal parameter of the i-th actual output.
func (s *Schema) Output(i int) (*Parameter, bool) { return parameter(s.Outputs, i) }

// All yields the whole catalogue by domain, name and version. Schemas are
// shared and must not be changed.
func All() iter.Seq[*Schema] {
	return func(yield func(*Schema) bool) {
		for i := range schemas {
			if !yield(&schemas[i]) {
				return
			}
		}
	}
}

// Versions returns every version of an operator, oldest first.
func Versions(domain, name string) []Schema {
	domain = graph.NormalDomain(domain)
	first := sort.Search(len(schemas), func(i int) bool { return !before(&schemas[i], domain, name) })
	end := first
	for end < len(schemas) && schemas[end].Domain == domain && schemas[end].Name == name {
		end++
	}
	return schemas[first:end:end]
}

func before(s *Schema, domain, name string) bool {
	if s.Domain != domain {
		return s.Domain < domain
	}
	return s.Name < name
}

// Lookup returns the version of an operator that is in force at a version of
// its operator set.
func Lookup(domain, name string, version int) (*Schema, bool) {
	versions := Versions(domain, name)
	for i := len(versions) - 1; i >= 0; i-- {
		if versions[i].Since <= version {
			return &versions[i], true
		}
	}
	return nil, false
}

// Newest returns the newest version of an operator: the last that is not
// deprecated, if there is one.
func Newest(domain, name string) (*Schema, bool) {
	versions := Versions(domain, name)
	for i := len(versions) - 1; i >= 0; i-- {
		if !versions[i].Deprecated {
			return &versions[i], true
		}
	}
	if len(versions) == 0 {
		return nil, false
	}
	return &versions[len(versions)-1], true
}

// Domains returns the domains of the catalogue, sorted; "" is ai.onnx.
func Domains() []string {
	var domains []string
	for i := range schemas {
		if d := schemas[i].Domain; len(domains) == 0 || domains[len(domains)-1] != d {
			domains = append(domains, d)
		}
	}
	return domains
}

// NewestOpset returns the newest known version of a domain's operator set, 0
// for a domain that is not in the catalogue.
func NewestOpset(domain string) int {
	if version, ok := registered[domain]; ok {
		return version
	}
	i := sort.SearchStrings(opsetDomains[:], graph.NormalDomain(domain))
	if i < len(opsetDomains) && opsetDomains[i] == graph.NormalDomain(domain) {
		return opsetVersions[i]
	}
	return 0
}
