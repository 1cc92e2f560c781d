package vector

// Unary is a function of single elements with up to two parameters:
// dst[i] = f(a[i]; p, q).
type Unary func(dst, a []float32, p, q float32)

// The functions. Those whose comment names no p or q ignore them.
var (
	Abs        Unary = absGeneric
	Neg        Unary = negGeneric
	Sqrt       Unary = sqrtGeneric
	Reciprocal Unary = reciprocalGeneric // 1 / x
	Floor      Unary = floorGeneric
	Ceil       Unary = ceilGeneric
	Round      Unary = roundGeneric // to nearest, ties to even
	Exp        Unary = expGeneric
	Log        Unary = logGeneric // the natural logarithm
	Tanh       Unary = tanhGeneric
	Erf        Unary = erfGeneric

	Sin   Unary = sinGeneric
	Cos   Unary = cosGeneric
	Tan   Unary = tanGeneric
	Asin  Unary = asinGeneric
	Acos  Unary = acosGeneric
	Atan  Unary = atanGeneric
	Sinh  Unary = sinhGeneric
	Cosh  Unary = coshGeneric
	Asinh Unary = asinhGeneric
	Acosh Unary = acoshGeneric
	Atanh Unary = atanhGeneric

	Affine    Unary = affineGeneric    // x × p + q
	Clip      Unary = clipGeneric      // min(max(x, p), q), NaN for NaN; p and q are no NaNs
	LeakyRelu Unary = leakyReluGeneric // x, p × x where x is negative

	ThresholdedRelu Unary = thresholdedReluGeneric // x where it is above p, else 0
	Softsign        Unary = softsignGeneric        // x / (1 + |x|)
	Sign            Unary = signGeneric            // -1, 0 or 1, NaN of NaN

	Sigmoid     Unary = sigmoidGeneric     // 1 / (1 + e^-x)
	HardSigmoid Unary = hardSigmoidGeneric // x × p + q within [0, 1]
	HardSwish   Unary = hardSwishGeneric   // x times x / 6 + 1/2 within [0, 1]
	Swish       Unary = swishGeneric       // x / (1 + e^-px), p × x rounded
	Softplus    Unary = softplusGeneric    // ln(1 + e^x)
	Elu         Unary = eluGeneric         // x, p × (e^x - 1) where x is negative
	Gelu        Unary = geluGeneric        // x/2 × (1 + erf(x/√2))
	GeluTanh    Unary = geluTanhGeneric    // x/2 × (1 + tanh(√(2/π) × (x + 0.044715 x³)))
)
