package infer

// encoder holds LabelEncoder, CategoryMapper, OneHotEncoder, DictVectorizer,
// FeatureVectorizer, ArrayFeatureExtractor, CastMap, ZipMap of ai.onnx.ml.
var encoder = family{}
