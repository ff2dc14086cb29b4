"""What langdetect, which lm-evaluation-harness asks, says of invented answers in the languages of IFEval. Writes languages.json.

usage: make_languages.py OUTPUT_FOLDER       needs tests/requirements-heavy.txt (langdetect comes with lm-eval[ifeval])

langdetect draws at random: a text counts only when it says the same with ten seeds. "short" is one sentence of a text,
"capital" and "small" are the English ones in one case.
"""
import json
import pathlib
import re
import sys

TEXTS = {
    "en": "The library opens at nine in the morning. On Sundays it is closed, but you can return books through the slot in the door.",
    "es": "La biblioteca abre a las nueve de la mañana. Los domingos está cerrada, pero puedes devolver los libros por la ranura de la puerta.",
    "pt": "A biblioteca abre às nove horas da manhã. Aos domingos está fechada, mas você pode devolver os livros pela abertura na porta.",
    "ar": "تفتح المكتبة أبوابها في التاسعة صباحا. وهي مغلقة يوم الأحد، لكن يمكنك إعادة الكتب من خلال الفتحة الموجودة في الباب.",
    "hi": "पुस्तकालय सुबह नौ बजे खुलता है। रविवार को यह बंद रहता है, लेकिन आप दरवाज़े की जगह से किताबें लौटा सकते हैं।",
    "fr": "La bibliothèque ouvre à neuf heures du matin. Le dimanche elle est fermée, mais vous pouvez rendre les livres par la fente de la porte.",
    "ru": "Библиотека открывается в девять часов утра. По воскресеньям она закрыта, но вы можете вернуть книги через щель в двери.",
    "de": "Die Bücherei öffnet um neun Uhr morgens. Am Sonntag ist sie geschlossen, aber man kann Bücher durch den Schlitz in der Tür zurückgeben.",
    "ja": "図書館は朝九時に開きます。日曜日は休館ですが、本はドアの返却口から返すことができます。",
    "it": "La biblioteca apre alle nove del mattino. La domenica è chiusa, ma puoi restituire i libri attraverso la fessura nella porta.",
    "bn": "গ্রন্থাগার সকাল নয়টায় খোলে। রবিবার এটি বন্ধ থাকে, কিন্তু আপনি দরজার ফাঁক দিয়ে বই ফেরত দিতে পারেন।",
    "uk": "Бібліотека відчиняється о дев'ятій годині ранку. У неділю вона зачинена, але ви можете повернути книжки крізь отвір у дверях.",
    "th": "ห้องสมุดเปิดเวลาเก้าโมงเช้า วันอาทิตย์ปิด แต่คุณสามารถคืนหนังสือผ่านช่องที่ประตูได้",
    "ur": "کتب خانہ صبح نو بجے کھلتا ہے۔ اتوار کو یہ بند رہتا ہے، لیکن آپ دروازے کی درز سے کتابیں واپس کر سکتے ہیں۔",
    "ta": "நூலகம் காலை ஒன்பது மணிக்குத் திறக்கிறது. ஞாயிற்றுக்கிழமை அது மூடப்பட்டிருக்கும், ஆனால் கதவின் வழியாக புத்தகங்களைத் திருப்பித் தரலாம்.",
    "te": "గ్రంథాలయం ఉదయం తొమ్మిది గంటలకు తెరుచుకుంటుంది. ఆదివారం అది మూసి ఉంటుంది, కానీ మీరు తలుపులోని ఖాళీ ద్వారా పుస్తకాలను తిరిగి ఇవ్వవచ్చు.",
    "bg": "Библиотеката отваря в девет часа сутринта. В неделя тя е затворена, но можете да върнете книгите през отвора на вратата.",
    "ko": "도서관은 아침 아홉 시에 문을 엽니다. 일요일에는 쉬지만 문에 있는 반납구로 책을 돌려줄 수 있습니다.",
    "pl": "Biblioteka jest otwierana o dziewiątej rano. W niedziele jest zamknięta, ale książki można zwrócić przez otwór w drzwiach.",
    "he": "הספרייה נפתחת בתשע בבוקר. ביום ראשון היא סגורה, אבל אפשר להחזיר ספרים דרך הפתח שבדלת.",
    "fa": "کتابخانه ساعت نه صبح باز می‌شود. روزهای یکشنبه بسته است، اما می‌توانید کتاب‌ها را از شکاف در برگردانید.",
    "vi": "Thư viện mở cửa lúc chín giờ sáng. Chủ nhật thư viện đóng cửa, nhưng bạn có thể trả sách qua khe ở cửa ra vào.",
    "ne": "पुस्तकालय बिहान नौ बजे खुल्छ। आइतबार यो बन्द हुन्छ, तर तपाईंले ढोकाको प्वालबाट किताबहरू फिर्ता गर्न सक्नुहुन्छ।",
    "sw": "Maktaba hufunguliwa saa tatu asubuhi. Siku ya Jumapili imefungwa, lakini unaweza kurudisha vitabu kupitia nafasi iliyo kwenye mlango.",
    "kn": "ಗ್ರಂಥಾಲಯವು ಬೆಳಿಗ್ಗೆ ಒಂಬತ್ತು ಗಂಟೆಗೆ ತೆರೆಯುತ್ತದೆ. ಭಾನುವಾರ ಅದು ಮುಚ್ಚಿರುತ್ತದೆ, ಆದರೆ ನೀವು ಬಾಗಿಲಿನ ಮೂಲಕ ಪುಸ್ತಕಗಳನ್ನು ಹಿಂತಿರುಗಿಸಬಹುದು.",
    "mr": "ग्रंथालय सकाळी नऊ वाजता उघडते. रविवारी ते बंद असते, पण तुम्ही दारातील फटीतून पुस्तके परत करू शकता.",
    "gu": "પુસ્તકાલય સવારે નવ વાગ્યે ખુલે છે. રવિવારે તે બંધ હોય છે, પરંતુ તમે દરવાજાની જગ્યામાંથી પુસ્તકો પાછાં આપી શકો છો.",
    "pa": "ਲਾਇਬ੍ਰੇਰੀ ਸਵੇਰੇ ਨੌਂ ਵਜੇ ਖੁੱਲ੍ਹਦੀ ਹੈ। ਐਤਵਾਰ ਨੂੰ ਇਹ ਬੰਦ ਰਹਿੰਦੀ ਹੈ, ਪਰ ਤੁਸੀਂ ਦਰਵਾਜ਼ੇ ਦੀ ਥਾਂ ਰਾਹੀਂ ਕਿਤਾਬਾਂ ਵਾਪਸ ਕਰ ਸਕਦੇ ਹੋ।",
    "ml": "വായനശാല രാവിലെ ഒമ്പത് മണിക്ക് തുറക്കും. ഞായറാഴ്ച അത് അടച്ചിരിക്കും, പക്ഷേ വാതിലിലെ വിടവിലൂടെ പുസ്തകങ്ങൾ തിരികെ നൽകാം.",
    "fi": "Kirjasto avataan yhdeksältä aamulla. Sunnuntaisin se on suljettu, mutta voit palauttaa kirjat oven luukun kautta.",
    # Not among IFEval's, but what a model may answer in.
    "zh-cn": "图书馆早上九点开门。星期天闭馆,但是你可以把书从门上的口子还回去。",
    "nl": "De bibliotheek gaat om negen uur 's ochtends open. Op zondag is ze gesloten, maar je kunt boeken teruggeven via de gleuf in de deur.",
    "sv": "Biblioteket öppnar klockan nio på morgonen. På söndagar är det stängt, men du kan lämna tillbaka böcker genom luckan i dörren.",
}
# Answers as models write them: markup, two languages, repetition, nothing to read.
OTHERS = [
    "**Antwort:** Der Zug fährt um *acht* Uhr ab.\n\n1. Bitte sei pünktlich.\n2. Bring deine Fahrkarte mit.\n\nP.S. Das Frühstück ist im Preis enthalten.",
    "Sure! Here is the answer in Hindi:\n\nआज मौसम बहुत अच्छा है और हम सब लोग शाम को नदी के किनारे घूमने जाएंगे। वहाँ हम चाय पिएंगे और गाना गाएंगे।",
    "I'm sorry, but I can only answer in English. Please ask your question again and I will be glad to help you with it.",
    "<<Il viaggio>>\n\nIl treno parte alle otto. Il treno parte alle otto. Il treno parte alle otto. Il treno parte alle otto.",
    "{\"respuesta\": \"No lo sé todavía, pero mañana por la mañana te lo diré\", \"seguro\": false}",
    "dear neighbour, the cat is back. she came in through the kitchen window and slept on your coat all night. yours, the postman",
    "12345 67890", "* * *\n\n---", "...", "42 + 1 = 43", "?!", "\u0007\n\t ",
]


def detected(text):
    import langdetect
    answers = set()
    for seed in range(10):
        langdetect.DetectorFactory.seed = seed
        try:
            answers.add(langdetect.detect(text))
        except langdetect.LangDetectException:
            answers.add("")  # no features: counts as followed
    return answers.pop() if len(answers) == 1 else None


def main():
    rows = [(text, "whole") for text in TEXTS.values()]
    for text in TEXTS.values():
        rows += [(sentence.strip(), "short") for sentence in re.findall("[^.।。۔]+[.।。۔]?", text)]
    english = [TEXTS["en"]] + TEXTS["en"].split(". ")
    rows += [(text.upper(), "capital") for text in english] + [(text.lower(), "small") for text in english]
    rows += [(text, "other") for text in OTHERS]
    out, unstable = [], 0
    for text, kind in rows:
        code = detected(text)
        unstable += code is None
        if code is not None:
            out.append({"kind": kind, "langdetect": code, "text": text})
    made = json.dumps(out, ensure_ascii=False, indent=None, separators=(",", ":")).replace("},{", "},\n{")
    (pathlib.Path(sys.argv[1]) / "languages.json").write_text(made + "\n", encoding="utf-8")
    print(f"{len(out)} texts, {unstable} left out because langdetect is not sure")


if __name__ == "__main__":
    main()
