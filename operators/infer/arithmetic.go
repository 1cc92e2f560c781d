package infer

// arithmetic holds Add, Sub, Mul, Div, Mod, Pow, Neg, Abs, Sign, Reciprocal,
// Sqrt, Exp, Log, Floor, Ceil, Round, Min, Max, Sum, Mean, BitShift, Erf.
var arithmetic = family{
	"Add":        following(broadcasting, addInts),
	"Sub":        following(broadcasting, subInts),
	"Mul":        following(broadcasting, mulInts),
	"Div":        following(broadcasting, divInts),
	"Mod":        mod,
	"Pow":        func(c *Call) error { return broadcastTo(c, c.DType(0)) },
	"Neg":        mapping(func(i Int) Int { return subInts(known(0), i) }),
	"Abs":        mapping(absInt),
	"Sign":       sameType,
	"Reciprocal": sameType,
	"Sqrt":       sameType,
	"Exp":        sameType,
	"Log":        sameType,
	"Floor":      sameType,
	"Ceil":       sameType,
	"Round":      sameType,
	"Erf":        sameType,
	"Min":        following(broadcasting, minInts),
	"Max":        following(broadcasting, maxInts),
	"Sum":        broadcasting,
	"Mean":       broadcasting,
	"BitShift":   broadcasting,
}

func mod(c *Call) error {
	if c.Node.Bool("fmod", false) {
		return broadcasting(c)
	}
	return following(broadcasting, modInts)(c)
}

// mapping returns the inference of an operator that maps each element to one of
// the same type, and follows integers.
func mapping(f func(Int) Int) Func {
	return func(c *Call) error {
		c.SetLike(0, c.DType(0), 0)
		if v, ok := c.vector(0); ok {
			for i := range v {
				v[i] = f(v[i])
			}
			c.follow(v)
		}
		return nil
	}
}
