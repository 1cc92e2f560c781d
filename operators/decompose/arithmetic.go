package decompose

// arithmetic holds Add, Sub, Mul, Div, Mod, Pow, Neg, Abs, Sign, Reciprocal,
// Sqrt, Exp, Log, Floor, Ceil, Round, Min, Max, Sum, Mean, BitShift, Erf.
var arithmetic = family{}
