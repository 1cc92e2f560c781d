package reference

// text holds StringConcat, StringSplit, StringNormalizer, RegexFullMatch,
// TfIdfVectorizer.
var text = family{}
