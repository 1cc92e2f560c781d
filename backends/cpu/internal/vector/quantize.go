package vector

// Functions between real numbers and integers.
var (
	// Quantize sets dst[i] to the low byte of a[i] / scale, rounded to nearest,
	// ties to even, plus zero, and clipped to [low, high]; NaN becomes low.
	Quantize = quantizeGeneric
	// DequantizeUnsigned sets dst[i] to (a[i] - zero) × scale.
	DequantizeUnsigned = dequantizeGeneric[uint8]
	// DequantizeSigned is DequantizeUnsigned of signed integers.
	DequantizeSigned = dequantizeGeneric[int8]
	// ScaleIntegers sets dst[i] to a[i] × scale.
	ScaleIntegers = scaleIntegersGeneric
)
