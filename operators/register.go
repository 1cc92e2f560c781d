package operators

import (
	"cmp"
	"fmt"
	"slices"

	"example.com/midplane/operators/graph"
)

// registered holds the newest operator-set version of each vendor's domain.
var registered = make(map[string]int)

// Register adds operators to the catalogue: those of a vendor's domain, or
// versions of operators in ONNX's own domains that some runtime writes into its
// files. It is called from the init function of the vendor's package, before
// any model is loaded, and panics for what is there already or has no name or
// version: mistakes of the program's author.
//
// What the operators mean is registered with packages decompose, reference,
// infer and opset.
func Register(list ...Schema) {
	for _, s := range list {
		s.Domain = graph.NormalDomain(s.Domain)
		switch newest := NewestOpset(s.Domain); {
		case s.Name == "" || s.Since < 1:
			panic(fmt.Sprintf("operators: Register: %q, version %d, of domain %q: a name and a positive version are needed", s.Name, s.Since, s.Domain))
		case slices.ContainsFunc(Versions(s.Domain, s.Name), func(v Schema) bool { return v.Since == s.Since }):
			panic(fmt.Sprintf("operators: Register: %s, version %d, is in the catalogue already", s.Operator(), s.Since))
		case !Closed(s.Domain):
			registered[s.Domain] = max(newest, s.Since)
		case s.Since > newest:
			panic(fmt.Sprintf("operators: Register: %s, version %d: the newest operator set of the domain is %d", s.Operator(), s.Since, newest))
		}
		at, _ := slices.BinarySearchFunc(schemas, &s, func(a Schema, b *Schema) int {
			return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Since, b.Since))
		})
		schemas = slices.Insert(schemas, at, s)
	}
}

// Closed reports whether the catalogue has every operator of a domain. It has
// those of ONNX's own domains; of a vendor's domain there may be more than
// anybody has registered.
func Closed(domain string) bool {
	return slices.Contains(opsetDomains[:], graph.NormalDomain(domain))
}
