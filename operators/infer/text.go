package infer

// text holds StringConcat, StringSplit, StringNormalizer, RegexFullMatch,
// TfIdfVectorizer.
var text = family{}
