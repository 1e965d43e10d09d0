// api: marks what the shared library exports.
//
//     #include <memory>
//
//     // A class of the API, and a part of it that only the library itself uses; a function of the API.
//     class BATON_API example {
//         struct BATON_LOCAL body;
//         std::shared_ptr<body> body_;
//     };
//     BATON_API int example_count();
//     // Programs need neither: every public header includes this file and uses them.
//
// The library is compiled with hidden visibility: libbaton.so exports what is marked and nothing else. The
// static library has the same marks.
#pragma once

#if defined(__GNUC__)
#define BATON_API [[gnu::visibility("default")]]  ///< exported
#define BATON_LOCAL [[gnu::visibility("hidden")]] ///< not exported, although the class around it is
#else
#define BATON_API   ///< exported
#define BATON_LOCAL ///< not exported, although the class around it is
#endif
