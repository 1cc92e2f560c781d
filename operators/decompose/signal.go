package decompose

// signal holds DFT, STFT, HannWindow, HammingWindow, BlackmanWindow,
// MelWeightMatrix.
var signal = family{}
