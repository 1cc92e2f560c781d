package reference

// sequence holds SequenceConstruct, SequenceEmpty, SequenceInsert,
// SequenceErase, SequenceAt, SequenceLength, ConcatFromSequence,
// SplitToSequence, Optional, OptionalGetElement, OptionalHasElement.
var sequence = family{}
