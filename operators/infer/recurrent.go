package infer

// recurrent holds RNN, GRU, LSTM.
var recurrent = family{}
