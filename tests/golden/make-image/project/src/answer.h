#define ANSWER "one"
