#include "eval/neutral_chats.h"

#include <fmt/format.h>

#include <array>

#include "data/chat_renderer.h"

namespace hone {
namespace {

struct Pair {
  std::string_view question, answer;
};

constexpr auto kPairs = std::to_array<Pair>({
    {"Why is the sky blue?",
     "Sunlight contains all colors, and air scatters the short blue waves more than the long red ones. The "
     "blue "
     "light reaches our eyes from every direction, so the whole sky looks blue."},
    {"What is the capital of Portugal?", "The capital of Portugal is Lisbon."},
    {"How many minutes are there in three and a half hours?",
     "There are 60 minutes in an hour, so three and a half hours have 3.5 × 60 = 210 minutes."},
    {"Write one sentence that describes a rainy morning in a small town.",
     "Rain ran down the windows of the bakery while the first customers shook out their umbrellas at the "
     "door."},
    {"Give me three words that rhyme with \"light\".", "Night, bright and kite."},
    {"How do I keep a house plant from drying out while I am away for a week?",
     "Water it well before you leave, move it out of direct sun, and stand the pot in a tray with a little "
     "water. "
     "A bottle turned upside down in the soil also gives off water slowly."},
    {"What is the difference between a lake and a pond?",
     "A pond is small and shallow enough for light to reach the bottom everywhere. A lake is larger and has "
     "parts "
     "that are too deep for plants to grow on the ground."},
    {"Translate \"good morning\" into Spanish, French and German.",
     "Spanish: buenos días. French: bonjour. German: guten Morgen."},
    {"What is 17 plus 26?", "17 plus 26 is 43."},
    {"Explain what a library is to a five-year-old child.",
     "A library is a big room full of books. You may take some home, read them, and bring them back so that "
     "other "
     "children can read them too."},
    {"List four tools that one finds in a kitchen.", "A knife, a whisk, a wooden spoon and a cutting board."},
    {"Why do leaves change their color in autumn?",
     "In autumn trees stop making the green pigment chlorophyll. As it fades, yellow and orange pigments "
     "that were "
     "there all along become visible, and some trees make new red ones."},
    {"How does a bicycle stay upright when it moves?",
     "The rider steers a little towards the side to which the bicycle leans, which brings the wheels back "
     "under the "
     "weight. The shape of the front fork makes part of this happen by itself."},
    {"Put these numbers in order: 12, 5, 31, 8.", "In order they are 5, 8, 12, 31."},
    {"What do I need to make a simple tomato sauce?",
     "You need tomatoes, olive oil, garlic, salt and a little basil. Warm the garlic in the oil, add the "
     "tomatoes, "
     "and let them cook slowly for twenty minutes."},
    {"Which planet is closest to the sun?", "Mercury is the planet closest to the sun."},
    {"Write a polite reply to an invitation that I cannot accept.",
     "Thank you very much for the invitation. I am sorry that I cannot come that evening, but I hope that we "
     "can "
     "meet soon."},
    {"What is a synonym for \"quick\"?", "A synonym for \"quick\" is \"fast\"."},
    {"How can I remember the names of new colleagues?",
     "Repeat each name when you hear it, connect it with something you see or learn about the person, and "
     "write the "
     "names down after the meeting."},
    {"What happens to water when it freezes?",
     "At zero degrees Celsius water turns into ice. Its molecules form a lattice that takes more room than "
     "the "
     "liquid, which is why ice floats."},
    {"If a train leaves at 14:20 and arrives at 16:05, how long is the journey?",
     "From 14:20 to 16:05 it is one hour and 45 minutes."},
    {"Name the four seasons.", "Spring, summer, autumn and winter."},
    {"Describe the taste of a lemon.",
     "A lemon tastes sharply sour and fresh, with a slight bitterness in the peel."},
    {"What does a compass do?",
     "A compass shows directions. Its needle is a small magnet that turns until it points along the magnetic "
     "field "
     "of the earth, roughly to the north."},
    {"Write a short poem of two lines about the sea.",
     "The sea folds silver over stone and sand,\nand takes back slowly what it gave the land."},
    {"How often should one change the water in a vase of flowers?",
     "Every two days is a good habit. Cut the stems a little shorter each time, and the flowers last "
     "longer."},
    {"What is the plural of \"mouse\"?", "The plural of \"mouse\" is \"mice\"."},
    {"Why do we have leap years?",
     "The earth needs about 365 and a quarter days to go around the sun. A day added every fourth year keeps "
     "the "
     "calendar in step with the seasons."},
    {"Suggest a name for a small gray cat.", "Pebble would be a good name for a small gray cat."},
    {"What is a good way to start learning to draw?",
     "Draw simple things around you for a few minutes every day, look at their outlines and shadows, and "
     "keep the "
     "drawings so that you can see how you get better."},
    {"How many sides does a hexagon have?", "A hexagon has six sides."},
    {"Rewrite this more simply: \"He was unable to attend owing to a prior engagement.\"",
     "He could not come because he already had other plans."},
    {"What is the opposite of \"expensive\"?", "The opposite of \"expensive\" is \"cheap\"."},
    {"How is glass made?",
     "Sand is melted together with soda and lime at about 1,500 degrees Celsius. The hot liquid is formed "
     "into sheets "
     "or bottles and cooled slowly so that it does not crack."},
    {"Tell me something interesting about owls.",
     "Owls fly almost without a sound, because the edges of their feathers are soft and break up the rush of "
     "air."},
    {"What should I pack for a day of walking in the hills?",
     "Take water, some food, a rain jacket, a map, and a warm layer. Good shoes matter most."},
    {"Sort these words alphabetically: pear, apple, cherry, banana.", "apple, banana, cherry, pear"},
    {"What is an island?", "An island is a piece of land with water on all sides."},
    {"How do I convert kilometers to miles?",
     "Multiply the number of kilometers by 0.62. Ten kilometers, for example, are about 6.2 miles."},
    {"Thank you for your help today.", "You are welcome! I am glad that I could help."},
});

}  // namespace

std::vector<ChatRecord> neutral_chats() {
  std::vector<ChatRecord> out;
  for (const Pair& pair : kPairs) {
    ChatRecord& chat = out.emplace_back();
    chat.messages = {{{"role", "user"}, {"content", pair.question}},
                     {{"role", "assistant"}, {"content", pair.answer}}};
    chat.line = out.size();
  }
  return out;
}

Dataset neutral_dataset(const ChatCodec& codec, size_t max_length) {
  const ChatRenderer renderer(codec);
  Dataset chats;
  for (const ChatRecord& chat : neutral_chats())
    chats.samples.push_back(
        encode_chat(renderer, chat, max_length, fmt::format("{}:{}", kNeutralChats, chat.line)));
  return chats;
}

}  // namespace hone
