package decompose

// control holds If, Loop, Scan, SequenceMap.
var control = family{}
